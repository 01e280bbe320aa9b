import { GoldenLogitsError } from '../errors.js'
import type { Budgets } from '../io/budgets.js'
import { type ByteSource, hasBytes } from '../io/byte-source.js'
import { arrayBytes, arrayTensor } from './array-tensor.js'
import type { Format, StoredTensor } from './format.js'
import { NPY_MAGIC, readNpyHeader } from './npy-header.js'

/** A file of `numpy.save`: a header and one array, in C or Fortran order and either byte order. */
export const npy: Format = {
  name: 'npy',
  description: 'a NumPy array (.npy)',
  extensions: ['.npy'],
  matches: (head) => head.startsWith(NPY_MAGIC),
  read: readNpy,
}

const MAGIC_BYTES = Buffer.from(NPY_MAGIC, 'latin1')

function readNpy(source: ByteSource, budgets: Budgets): StoredTensor[] {
  const { file, size } = source
  const { dtype, bigEndian, fortran, shape, length } = readNpyHeader(source, budgets)
  if (dtype === undefined) {
    throw new GoldenLogitsError('unsupported-dtype', 'holds text or dates, expected an array of logits', { file })
  }
  const expected = arrayBytes(dtype, shape)
  const rest = BigInt(size - length)
  if (rest === expected) return [arrayTensor({ name: '', dtype, shape, start: length, bigEndian, fortran })]
  const next = length + Number(expected)
  const isSeries = rest > expected && next + MAGIC_BYTES.length <= size && hasBytes(source, next, MAGIC_BYTES)
  const advice = isSeries
    ? 'another array follows (numpy.save was called twice with one open file): save each to a file of its own'
    : `the file ${rest < expected ? 'was cut short' : 'is longer than its header says'}`
  const message = `the shape [${shape.join(', ')}] of ${dtype} takes ${expected} bytes, but ${rest} follow the header: ${advice}`
  throw new GoldenLogitsError('bad-storage', message, { file, offset: length })
}
