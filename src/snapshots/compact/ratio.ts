import type { Interval } from '../../metrics/types.js'
import type { DumpFacts } from './dump-facts.js'
import { ROUNDING, widened } from './interval.js'
import { boundDistance, roundingOf } from './sketch.js'
import type { CompactRow, Moments } from './types.js'

// How h(p, q) = p·ln(p/q) − p + q, of which the KL divergence is the sum, compares with (√p − √q)², whose sum a sketch bounds.
// With x = ln(p/q) and t = e^(x/2) the ratio of the two is φ(x) = (t²·(x − 1) + 1) / (t − 1)², which grows with x: φ(−∞) = 1,
// φ(0) = 2, φ(x) < x for large x. So an interval that contains x for all ids of the tail gives one for the ratio.

/** An upper bound of ln(p/q), if √p ≤ √q + `rise` and ln q ≥ `lowestLogQ`. */
export function logRatioOfRise(rise: number, lowestLogQ: number): number {
  const logRise = Math.log(rise) - lowestLogQ / 2
  // exp could overflow.
  return 2 * (logRise > 30 ? logRise + 1e-12 : Math.log1p(Math.exp(logRise)))
}

/** An upper bound of h(p, q) / (√p − √q)² for ln(p/q) ≤ x. */
export function mostHellingerRatio(x: number): number {
  if (x < -60) return 1 + 1e-8
  if (x > 60) return x
  // Near 0 the quotient loses its digits: φ(0.02) < 2.01.
  if (Math.abs(x) < 0.02) return 2.01
  return hellingerRatio(x) * (1 + 1e-8)
}

/** A lower bound of h(p, q) / (√p − √q)² for ln(p/q) ≥ x. */
export function leastHellingerRatio(x: number): number {
  if (x < -60) return 1
  if (x > 60) return mostHellingerRatio(60) * (1 - 1e-7)
  if (Math.abs(x) < 0.02) return 1.99
  return hellingerRatio(x) * (1 - 1e-8)
}

function hellingerRatio(x: number): number {
  const t = Math.exp(x / 2)
  return (t * t * (x - 1) + 1) / (t - 1) ** 2
}

const ANY: Interval = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY }

/**
 * An interval that contains ln(p/q) for every id of the tail, if both rows suppress the same ids: no logit can have moved by more
 * than the whole row has. Let g be a logit of the golden and m that of the dump, a and b the rows without their means ḡ and m̄,
 * divided by the norms ‖g‖ and ‖m‖. Then g − m = ‖g‖·(a − b) + (‖g‖/‖m‖ − 1)·(m − m̄) + ḡ − m̄, where |a − b| is at most the
 * distance of the directions, and ln(p/q) = g − m − (ln Σeᵍ − ln Σeᵐ).
 */
export function boundLogRatio(golden: CompactRow, dump: DumpFacts): Interval {
  const [g, m] = [Math.sqrt(golden.moments.squares), Math.sqrt(dump.moments.squares)]
  if (!dump.sameSupport || !(g > 0) || !(m > 0)) return ANY
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const range of dump.ranges) {
    lowest = Math.min(lowest, range.min)
    highest = Math.max(highest, range.max)
  }
  if (lowest > highest) return ANY
  const size = golden.count - golden.suppressed
  const [goldenMean, dumpMean] = [golden.moments.sum / size, dump.moments.sum / size]
  const logSumExp = dump.total.max + dump.total.log
  const shift = goldenMean - golden.logSumExp - (dumpMean - logSumExp)
  const stretch = g / m - 1
  const ends = [stretch * (lowest - dumpMean), stretch * (highest - dumpMean)]
  const moved = g * Math.sqrt(boundDirections(golden, dump).hi)
  const x = { lo: shift + Math.min(...ends) - moved, hi: shift + Math.max(...ends) + moved }
  const sizes = [golden.top1Logit, dump.moments.max, golden.logSumExp, logSumExp, lowest, highest, ...ends, moved]
  const error = 16 * ROUNDING * sizes.reduce((sum, size) => sum + Math.abs(size), 1)
  return Number.isFinite(error) ? widened(x, error) : ANY
}

/** Bounds of the squared distance of the directions (see `TailFacts`) of two rows that suppress the same ids. */
export function boundDirections(golden: CompactRow, dump: DumpFacts): Interval {
  const size = golden.count - golden.suppressed
  const { floor, logSumExp, moments } = golden
  const ofGolden = farthest(moments, size, golden.top1Logit, floor + logSumExp, Math.abs(logSumExp))
  const ofDump = farthest(dump.moments, size, dump.moments.max, dump.moments.min, 0)
  return boundDistance(golden.direction, dump.direction, roundingOf(ofGolden + ofDump, golden.count))
}

/** An upper bound of the size of the elements of a direction. @param error of the lowest logit, in units of `ROUNDING` */
function farthest({ sum, squares }: Moments, size: number, highest: number, lowest: number, error: number): number {
  const mean = sum / size
  const distance = Math.max(highest - mean, mean - lowest) + ROUNDING * (Math.abs(mean) + error)
  const bound = (distance / Math.sqrt(squares)) * (1 + 1e-6)
  return bound < 1 ? bound : 1
}
