import type { Dtype } from './dtype.js'

/**
 * A tensor whose elements are read when they are needed. Element indices count the *logical* elements in row-major
 * order of `shape`: the reader handles the strides, storage offset and byte order of the file.
 */
export interface LazyTensor {
  /** The path to the tensor through containers: `'logits'`, `'past.0.1'`; `''` if it is the object itself. */
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** Number of logical elements, the product of `shape`. */
  readonly length: number
  /**
   * Copies the elements `[start, start + count)` as raw little-endian values of `dtype` to the front of `into`. Reads
   * no other elements of the file, unless they are interleaved by strides.
   */
  readRaw(start: number, count: number, into: Uint8Array): void
  /** All elements, row-major, each rounded once to float32. */
  toFloat32(): Float32Array
}
