import { bytesOf, utf8 } from './pickle.js'

/** An ATB dump of 4 float32, with some header lines replaced; `undefined` leaves a line out. */
export function bin(lines: Readonly<Record<string, string | undefined>> = {}, data = new Uint8Array(16)): Uint8Array {
  const all: Record<string, string | undefined> = {
    $Version: '1.0',
    '$Object.Count': '1',
    '$Object.Length': '16',
    format: '2',
    dtype: '0',
    dims: '1,4',
    '$Object.data': '0,16',
    ...lines,
  }
  const header = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}\n`]))
  return bytesOf(utf8(`${header.join('')}$End=1\n`), data)
}
