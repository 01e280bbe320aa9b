/**
 * Computes the sums and sketches of one row of logits at a time, in memory that it owns and reuses.
 * Usage: fill `row`, then call the others. They work on the first `count` elements, as `row` was called.
 */
export interface SketchKernel {
  /** Memory for a row, which the caller fills. That of an earlier call must not be used again. */
  row(count: number): Float32Array
  /** Σ exp(x − max). @param max the highest element. There must be no NaN. */
  sumExponentials(max: number): number
  /** Of the elements from `from` to `to` that lie in [least, most]; NaN is in no interval. */
  sumBetween(from: number, to: number, least: number, most: number): Sums
  /** Prepares one half of `sketch`: the vector of (x − center)·scale, rounded to integers; 0 for x < least and NaN. */
  quantiseCentered(least: number, center: number, scale: number): void
  /**
   * Prepares the other half of `sketch`, for the elements from `from` to `to`: exp((x − max)/2)·scale, rounded to integers; 0 for
   * x < least and NaN.
   */
  quantiseRoots(from: number, to: number, least: number, max: number, scale: number): Weights
  /**
   * The scalar products of both prepared vectors with the first `size` random vectors, exact.
   * @param size a multiple of `GROUP`, at most `MOST_VECTORS`
   */
  sketch(size: number): { centered: Float64Array; roots: Float64Array }
}

export interface Sums {
  readonly count: number
  readonly sum: number
  readonly squares: number
  /** Infinity if there are none. */
  readonly min: number
  /** −Infinity if there are none. */
  readonly max: number
}

/** Sums over the elements that are not 0 in the prepared vector. */
export interface Weights {
  /** Σ exp(x − max) */
  readonly mass: number
  /** Σ exp(x − max)·(x − max) */
  readonly weighted: number
}

/** The largest integer that a vector to sketch may contain: integers have 16 bits, so that the kernel multiplies eight at a time. */
export const LARGEST = 2 ** 15 - 1

/** Columns that are processed at a time. All sums of a block fit into 32 bits. */
export const BLOCK = 512

/** The highest float32. */
export const HIGHEST = (2 - 2 ** -23) * 2 ** 127

export function blocksOf(count: number): number {
  return Math.ceil(count / BLOCK)
}
