import { GoldenLogitsError } from '../../../src/errors.js'
import { arrayBytes, arrayTensor } from '../../../src/formats/array-tensor.js'
import type { Format } from '../../../src/formats/format.js'
import { readBytes } from '../../../src/io/byte-source.js'

/** `ROWS`, the numbers of rows and columns as uint32, and the rows as float32, all little-endian. */
export const rows: Format = {
  name: 'rows',
  description: 'an array of rows (.rows)',
  extensions: ['.rows'],
  matches: (head) => head.startsWith('ROWS') && head.length >= 12,
  read(source) {
    const head = new DataView(readBytes(source, 0, 12).buffer)
    const shape = [head.getUint32(4, true), head.getUint32(8, true)]
    const [expected, rest] = [arrayBytes('float32', shape), BigInt(source.size - 12)]
    if (rest !== expected) {
      const message = `the shape [${shape.join(', ')}] takes ${expected} bytes, but ${rest} follow the header`
      throw new GoldenLogitsError('bad-storage', message, { file: source.file })
    }
    return [arrayTensor({ name: '', dtype: 'float32', shape, start: 12 })]
  },
}
