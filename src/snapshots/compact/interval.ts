import type { Interval } from '../../metrics/types.js'

/**
 * An upper bound of the relative error of a float64 sum over a vocabulary (at most 2²² terms, 2⁻⁵³ each, and the error of
 * functions like exp), and of what is computed from such sums. Every bound is widened by at least this much.
 */
export const ROUNDING = 1e-9

export function add(a: Interval, b: Interval): Interval {
  return { lo: a.lo + b.lo, hi: a.hi + b.hi }
}

/** @param factor exact */
export function scale({ lo, hi }: Interval, factor: number): Interval {
  return factor < 0 ? { lo: hi * factor, hi: lo * factor } : { lo: lo * factor, hi: hi * factor }
}

export function widened({ lo, hi }: Interval, by: number): Interval {
  return { lo: lo - by, hi: hi + by }
}
