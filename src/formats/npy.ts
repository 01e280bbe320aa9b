import type { Budgets } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { arrayBytes, arrayTensor, type StoredArray } from './array-tensor.js'
import type { Format, StoredTensor } from './format.js'
import { NPY_MAGIC, npyError, readNpyHeader, startsNpy } from './npy-header.js'

/** A file of `numpy.save`: a header and one array, in C or Fortran order and either byte order. */
export const npy: Format = {
  name: 'npy',
  description: 'a NumPy array (.npy)',
  extensions: ['.npy'],
  matches: (head) => head.startsWith(NPY_MAGIC),
  read: readNpy,
}

function readNpy(source: ByteSource, budgets: Budgets): StoredTensor[] {
  const array = readNpyArray(source, budgets)
  if (array) return [arrayTensor(array)]
  throw npyError(source, 'unsupported-dtype', 'holds text or dates, expected an array of logits')
}

/**
 * Locates the array of a `.npy` file, which must have exactly the bytes of its shape and dtype.
 * @returns undefined for text and dates
 */
export function readNpyArray(source: ByteSource, budgets: Budgets): StoredArray | undefined {
  const { dtype, bigEndian, fortran, shape, length } = readNpyHeader(source, budgets)
  if (dtype === undefined) return undefined
  const expected = arrayBytes(dtype, shape)
  const rest = BigInt(source.size - length)
  if (rest === expected) return { name: '', dtype, shape, start: length, bigEndian, fortran }
  const isSeries = rest > expected && startsNpy(source, length + Number(expected))
  const advice = isSeries
    ? 'another array follows (numpy.save was called twice with one open file): save each to its own file'
    : `the file ${rest < expected ? 'was cut short' : 'is longer than its header says'}`
  const message = `the shape [${shape.join(', ')}] of ${dtype} takes ${expected} bytes, but ${rest} follow the header: ${advice}`
  throw npyError(source, 'bad-storage', message)
}
