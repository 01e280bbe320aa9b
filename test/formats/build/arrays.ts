import { bytesOf, u16, u32, u64, utf8 } from './pickle.js'

/** A `.npy` file of float32, or of other elements by other header entries. */
export function npy(
  data: Uint8Array,
  entries: Readonly<Record<string, string>> = {},
  version: 1 | 2 | 3 = 1,
): Uint8Array<ArrayBuffer> {
  const all = { descr: "'<f4'", fortran_order: 'False', shape: `(${data.length / 4},)`, ...entries }
  const text = `{${Object.entries(all)
    .map(([key, value]) => `'${key}': ${value}, `)
    .join('')}}`
  const size = version === 1 ? 10 : 12
  const padded = `${text.padEnd(Math.ceil((size + text.length + 1) / 64) * 64 - size - 1)}\n`
  const length = version === 1 ? u16(padded.length) : u32(padded.length)
  return bytesOf(utf8('\0NUMPY').with(0, 0x93), version, 0, length, utf8(padded), data)
}

/** A safetensors file with this header. */
export function safetensors(header: object | string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = utf8(typeof header === 'string' ? header : JSON.stringify(header))
  return bytesOf(u64(text.length), text, data)
}
