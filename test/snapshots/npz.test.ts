import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { npyHeader } from '../../src/formats/npy.js'
import { GoldenLogitsError } from '../../src/index.js'
import { NpzReader } from '../../src/snapshots/npz.js'
import { SAMPLE_DTYPES, sampleRow, writeSamples } from './samples.js'

/** What NumPy and PyTorch read in these very files: see scripts/fixtures/read_npz.py, which prints it. */
const python = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/snapshots/python.json'), 'utf8'))

const folder = mkdtempSync(join(tmpdir(), 'npz-'))
afterAll(() => rmSync(folder, { recursive: true }))
const files = writeSamples(folder)
if (process.env.NPZ_SAMPLES)
  for (const file of Object.values(files)) cpSync(file, join(process.env.NPZ_SAMPLES, file.split(/[\\/]/).at(-1)!))

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test.each(SAMPLE_DTYPES)('%s: NumPy and PyTorch read every element as it is in the dump', (dtype) => {
  const seen = python.files[`${dtype}.golden.npz`]
  // The result holds for these bytes.
  expect(sha256(readFileSync(files[dtype]))).toBe(seen.sha256)
  expect(Object.keys(seen.arrays)).toEqual(['token_0', 'token_1', 'token_2'])
  for (let step = 0; step < 3; step++) {
    const row = sampleRow(dtype, step)
    const array = seen.arrays[`token_${step}`]
    expect(array).toMatchObject({
      shape: [2000],
      numpy: { float32: 'float32', float16: 'float16', bfloat16: 'uint16' }[dtype],
      torch: `torch.${dtype}`,
      bytes: sha256(row),
    })
    // As PyTorch widens them to float32; −Inf is number 9.
    const widened = Array.from(array.first as string[], (text) => Number(text.replace('inf', 'Infinity')))
    expect(widened).toEqual(Array.from({ length: 10 }, (_, i) => numberOf(dtype, row, i)))
  }
})

/** By the definition of the format: sign, exponent, fraction. */
function numberOf(dtype: string, bytes: Uint8Array, i: number): number {
  const view = new DataView(bytes.buffer)
  if (dtype === 'float32') return view.getFloat32(4 * i, true)
  const bits = view.getUint16(2 * i, true)
  const fraction = dtype === 'float16' ? 10 : 7
  const exponents = 15 - fraction
  const [sign, exponent] = [bits >> 15 ? -1 : 1, (bits >> fraction) & (2 ** exponents - 1)]
  if (exponent === 2 ** exponents - 1) return sign * Number.POSITIVE_INFINITY
  if (exponent === 0) return 0
  return sign * 2 ** (exponent - (2 ** (exponents - 1) - 1)) * (1 + (bits & (2 ** fraction - 1)) / 2 ** fraction)
}

test('a header is that of NumPy, byte by byte', () => {
  const header = Buffer.from(npyHeader('float16', 151_936))
  expect(header.length % 64).toBe(0)
  expect(header.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00')
  expect(header.readUInt16LE(8)).toBe(header.length - 10)
  expect(header.subarray(10).toString()).toMatch(
    /^\{'descr': '<f2', 'fortran_order': False, 'shape': \(151936,\), \} *\n$/,
  )
})

test('cut anywhere, an archive is refused', () => {
  const bytes = readFileSync(files.bfloat16)
  const path = join(folder, 'cut.npz')
  for (let length = 0; length < bytes.length; length += 97) {
    const refusal = readAll(path, bytes.subarray(0, length))
    expect(refusal, `cut at ${length}`).toBeInstanceOf(GoldenLogitsError)
  }
})

test('changed anywhere in a row, an archive is refused by its CRC', () => {
  const bytes = readFileSync(files.float32)
  const path = join(folder, 'changed.npz')
  for (let at = 200; at < 6000; at += 211) {
    const changed = Buffer.from(bytes)
    changed[at] = changed[at]! ^ 0x10
    const refusal = readAll(path, changed)
    expect(refusal, `changed at ${at}`).toBeInstanceOf(GoldenLogitsError)
    const { code, message } = refusal as GoldenLogitsError
    expect(code).toBe('bad-snapshot')
    expect(message).toMatch(
      /changed\.npz: the archive of rows is damaged: [^;]*; restore the snapshot from version control/,
    )
    expect(message).not.toContain('torch.save')
  }
})

function readAll(path: string, bytes: Uint8Array): unknown {
  writeFileSync(path, bytes)
  let reader: NpzReader | undefined
  try {
    const dtype = bytes.length > 20_000 ? 'float32' : 'bfloat16'
    const tokens = [0, 1, 2].map((step) => ({ step, dtype, width: 2000 }) as const)
    reader = new NpzReader(path, tokens)
    for (const { step, width } of tokens) reader.row(step, dtype, width)
    return undefined
  } catch (error) {
    return error
  } finally {
    reader?.close()
  }
}
