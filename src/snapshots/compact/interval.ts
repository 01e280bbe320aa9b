/** All values that a number known in part may have, both ends included. */
export interface Interval {
  readonly lo: number
  readonly hi: number
}

/**
 * The relative error of a float64 sum over a vocabulary (at most 2²² terms of 2⁻⁵³ each, and the functions within), and
 * of what is computed from such sums. Every bound is moved outwards by at least so much.
 */
export const ROUNDING = 1e-9

export function add(a: Interval, b: Interval): Interval {
  return { lo: a.lo + b.lo, hi: a.hi + b.hi }
}

/** @param factor exact */
export function scale({ lo, hi }: Interval, factor: number): Interval {
  return factor < 0 ? { lo: hi * factor, hi: lo * factor } : { lo: lo * factor, hi: hi * factor }
}

export function square({ lo, hi }: Interval): Interval {
  const [a, b] = [lo * lo, hi * hi]
  return { lo: lo <= 0 && hi >= 0 ? 0 : Math.min(a, b), hi: Math.max(a, b) }
}

export function widened({ lo, hi }: Interval, by: number): Interval {
  return { lo: lo - by, hi: hi + by }
}
