import { type Budgets, withinBudget } from '../io/budgets.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import type { StoredTensor } from './format.js'
import type { StorageValue } from './pickle/values.js'

/** An array whose elements lie in the file one after the other. */
export interface StoredArray {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** Offset of the first element in the file. */
  readonly start: number
  readonly bigEndian?: boolean
  /** Whether the first axis varies fastest (column-major), not the last one. */
  readonly fortran?: boolean
}

/** The tensor of an array. The caller has checked that its bytes are in the file. */
export function arrayTensor(array: StoredArray): StoredTensor {
  const view = arrayView(array)
  return { ...view, ...plainStorage(array.start, view.tensor.storage, array.bigEndian) }
}

/** How to read a storage that lies in the file as it is, from the offset `start` on. */
export function plainStorage(
  start: number,
  { numel, dtype }: StorageValue,
  bigEndian = false,
): Pick<StoredTensor, 'open' | 'place'> {
  return {
    open: (from) => ({ bigEndian, read: (offset, into) => from.read(start + offset, into) }),
    ...(!bigEndian && { place: { start, size: numel * itemSize(dtype) } }),
  }
}

/** The same without a way to read it. */
export function arrayView({ name, dtype, shape, fortran }: StoredArray): Pick<StoredTensor, 'name' | 'tensor'> {
  const numel = Number(elementCount(shape))
  const storage = { kind: 'storage', key: name, dtype, numel } as const
  const strides = fortran
    ? shape.map((_, i) => Number(elementCount(shape.slice(0, i))))
    : shape.map((_, i) => Number(elementCount(shape.slice(i + 1))))
  return { name, tensor: { kind: 'tensor', storage, offset: 0, shape, strides } }
}

/** The bytes of an array, exact for any shape. */
export function arrayBytes(dtype: Dtype, shape: readonly number[]): bigint {
  return elementCount(shape) * BigInt(itemSize(dtype))
}

/** @throws GoldenLogitsError `limit-exceeded` */
export function checkRank(shape: readonly unknown[], budgets: Budgets, where: { file: string; offset?: number }): void {
  withinBudget(budgets, 'rank', shape.length, 'dimensions of a tensor', where)
}

function elementCount(shape: readonly number[]): bigint {
  return shape.reduce((product, size) => product * BigInt(size), 1n)
}
