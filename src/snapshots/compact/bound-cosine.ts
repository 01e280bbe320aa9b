import type { Interval } from '../../metrics/types.js'
import type { DumpFacts } from './dump-facts.js'
import { add, ROUNDING, scale, widened } from './interval.js'
import { boundDirections } from './ratio.js'
import { type CompactRow, type Fill, type Moments, ROOT_STEP } from './types.js'

const ANY_COSINE: Interval = { lo: -1, hi: 1 }

/**
 * Bounds of the cosine similarity over the ids whose logit is finite on both sides. Of the ids that neither row suppresses:
 * tight ones from the sketch if the rows are close, wide ones from the sums otherwise. Suppressed logits that are finite on
 * both sides add to the products and norms.
 */
export function boundCosine(golden: CompactRow, dump: DumpFacts): Interval {
  if (!dump.sameSupport) return ANY_COSINE
  const fills = sharedFills(golden, dump)
  if (fills === undefined) return ANY_COSINE
  const [g, d] = [golden.moments.squares, dump.moments.squares]
  const hasDirections = Math.min(g, d) > 0
  if (fills === 'none') return hasDirections ? cosineOfRest(golden, dump) : ANY_COSINE
  const dot = add(
    hasDirections ? scale(cosineOfRest(golden, dump), Math.sqrt(g) * Math.sqrt(d)) : ZERO,
    boundProducts(fills.golden, fills.dump, golden.suppressed - golden.infinite),
  )
  const norms = Math.sqrt(g + fills.golden.squares) * Math.sqrt(d + fills.dump.squares)
  if (!(norms > 0)) return ANY_COSINE
  const { lo, hi } = widened({ lo: dot.lo / norms, hi: dot.hi / norms }, 8 * ROUNDING)
  return { lo: Math.max(-1, lo), hi: Math.min(1, hi) }
}

/**
 * The suppressed logits that are finite on both sides, for rows that suppress the same ids.
 * @returns undefined if it is not known which these are
 */
function sharedFills(golden: CompactRow, dump: DumpFacts): { golden: Fill; dump: Fill } | 'none' | undefined {
  if (golden.infinite === golden.suppressed || dump.infinite === dump.suppressed) return 'none'
  const [g, d] = [golden.fill, dump.fill]
  if (!g || !d || Buffer.compare(g.infiniteDigest, d.infiniteDigest) !== 0) return undefined
  return { golden: g, dump: d }
}

/** Σgm of n pairs: n·ḡ·m̄ ± √(Σ(g − ḡ)²·Σ(m − m̄)²) (Cauchy-Schwarz inequality), exact if one side is constant. */
function boundProducts(g: Fill, m: Fill, size: number): Interval {
  if (g.min === g.max) return point(g.max * m.sum)
  if (m.min === m.max) return point(m.max * g.sum)
  const spread = Math.sqrt(variance(g.sum, g.squares, size)) * Math.sqrt(variance(m.sum, m.squares, size))
  return widened(point((g.sum / size) * m.sum), spread)
}

/** Of the ids that neither row suppresses. */
function cosineOfRest(golden: CompactRow, dump: DumpFacts): Interval {
  const [near, far] = [boundByDistance(golden, dump), boundBySums(golden, dump)]
  return { lo: Math.max(-1, near.lo, far.lo), hi: Math.min(1, near.hi, far.hi) }
}

/**
 * cos = 1 − ‖u − v‖² / 2, where u and v are the rows divided by their norms. The part of u − v along (1, 1, …) follows from the
 * sums, the rest is bounded by the sketches.
 */
function boundByDistance(golden: CompactRow, dump: DumpFacts): Interval {
  const size = golden.count - golden.suppressed
  const means = meanOf(golden.moments, size) - meanOf(dump.moments, size)
  const rest = boundDirections(golden, dump)
  const along = size * means * means
  return widened({ lo: 1 - (along + rest.hi) / 2, hi: 1 - (along + rest.lo) / 2 }, 4 * ROUNDING)
}

function meanOf({ sum, squares }: Moments, size: number): number {
  return sum / size / Math.sqrt(squares)
}

/**
 * Σgm is known on the listed ids. On the tail it is at most √(Σg²·Σm²) (Cauchy-Schwarz inequality), which is little if nearly
 * all ids are listed.
 */
function boundBySums(golden: CompactRow, dump: DumpFacts): Interval {
  const { squares } = golden.moments
  let [dot, listed] = [ZERO, 0]
  golden.ids.forEach((id, i) => {
    const logit = logitInterval(golden.roots[i]!, golden.logSumExp)
    dot = add(dot, scale(logit, dump.row[id]!))
    listed += logit.lo > 0 ? logit.lo ** 2 : logit.hi < 0 ? logit.hi ** 2 : 0
  })
  const ofTail = dump.ranges.reduce((sum, range) => sum + range.squares, 0)
  const rest = Math.max(0, squares - listed) + 4 * ROUNDING * (squares + listed)
  const norms = Math.sqrt(squares * dump.moments.squares)
  const { lo, hi } = widened(dot, Math.sqrt(rest * ofTail))
  return widened({ lo: lo / norms, hi: hi / norms }, 8 * ROUNDING)
}

const ZERO: Interval = { lo: 0, hi: 0 }

function point(value: number): Interval {
  return { lo: value, hi: value }
}

/** An upper bound of Σ(x − x̄)². */
function variance(sum: number, squares: number, size: number): number {
  return Math.max(0, squares - (sum / size) * sum) + 4 * ROUNDING * squares
}

function logitInterval(root: number, logSumExp: number): Interval {
  const logit = (half: number) => 2 * Math.log((root + half) * ROOT_STEP) + logSumExp
  return widened({ lo: logit(-0.5), hi: logit(0.5) }, ROUNDING * (1 + Math.abs(logSumExp)))
}
