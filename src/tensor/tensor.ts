import type { Dtype } from './dtype.js'

/**
 * A tensor whose elements stay in the file until they are asked for. Element numbers count the *logical* elements in
 * row-major order of `shape`; strides, storage offsets and byte order of the file are the reader's business.
 */
export interface LazyTensor {
  /** Where the tensor sits in the file's object: `''` alone, `'0'`, `'logits'`, `'past.0.1'` in containers. */
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** Number of logical elements, the product of `shape`. */
  readonly length: number
  /**
   * Copies the elements `[start, start + count)` as raw little-endian values of `dtype` to the front of `into`, reading no
   * other element of the file than strides force it to.
   */
  readRaw(start: number, count: number, into: Uint8Array): void
  /** All elements, row-major, each rounded once to float32. */
  toFloat32(): Float32Array
}
