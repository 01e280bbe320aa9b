import type { DumpFacts } from './dump-facts.js'
import { add, type Interval, ROUNDING, scale, widened } from './interval.js'
import { boundDistance } from './sketch.js'
import { type CompactRow, type Moments, ROOT_STEP } from './types.js'

const NOTHING_KNOWN: Interval = { lo: -1, hi: 1 }

/** Bounds of the cosine similarity: the sketch of the logits tells two rows that are near each other, their sums all others. */
export function boundCosine(golden: CompactRow, dump: DumpFacts): Interval {
  // Logits of suppressed ids that are not −Inf take part in the cosine, and the golden does not know them.
  const known = dump.sameSupport && golden.infinite === golden.suppressed && dump.infinite === golden.suppressed
  if (!known) return NOTHING_KNOWN
  const shortest = Math.min(golden.moments.squares, dump.moments.squares)
  if (!(shortest > 0)) return NOTHING_KNOWN
  const [near, far] = [boundByDistance(golden, dump), boundBySums(golden, dump)]
  return { lo: Math.max(-1, near.lo, far.lo), hi: Math.min(1, near.hi, far.hi) }
}

/**
 * cos = 1 − ‖u − v‖² / 2 of the unit vectors u and v along the rows. The part of u − v that lies along (1, 1, …) is known from
 * the sums, the rest is bounded by its sketch.
 */
function boundByDistance(golden: CompactRow, dump: DumpFacts): Interval {
  const size = golden.count - golden.suppressed
  const means = meanOf(golden.moments, size) - meanOf(dump.moments, size)
  const rest = boundDistance(golden.direction, dump.direction)
  const along = size * means * means
  return widened({ lo: 1 - (along + rest.hi) / 2, hi: 1 - (along + rest.lo) / 2 }, 4 * ROUNDING)
}

function meanOf({ sum, squares }: Moments, size: number): number {
  return sum / size / Math.sqrt(squares)
}

/**
 * Σgm is known on the listed ids; on each range of the tail the Cauchy-Schwarz inequality holds it within
 * √(Σ(g − ḡ)²·Σ(m − m̄)²) of n·ḡ·m̄. Wide, as the tail carries nearly all of a row's norm.
 */
function boundBySums(golden: CompactRow, dump: DumpFacts): Interval {
  let dot = ZERO
  golden.ids.forEach((id, i) => {
    dot = add(dot, scale(logitInterval(golden.roots[i]!, golden.logSumExp), dump.row[id]!))
  })
  golden.ranges.forEach((range, i) => {
    const { size, sum, squares } = dump.ranges[i]!
    if (size === 0) return
    const spread = Math.sqrt(variance(range.sum, range.squares, size) * variance(sum, squares, size))
    dot = add(dot, widened(point((range.sum / size) * sum), spread))
  })
  const norms = Math.sqrt(golden.moments.squares * dump.moments.squares)
  return widened({ lo: dot.lo / norms, hi: dot.hi / norms }, 8 * ROUNDING)
}

const ZERO: Interval = { lo: 0, hi: 0 }

function point(value: number): Interval {
  return { lo: value, hi: value }
}

/** Σ(x − x̄)², from above. */
function variance(sum: number, squares: number, size: number): number {
  return Math.max(0, squares - (sum / size) * sum) + 4 * ROUNDING * squares
}

function logitInterval(root: number, logSumExp: number): Interval {
  const logit = (half: number) => 2 * Math.log((root + half) * ROOT_STEP) + logSumExp
  return widened({ lo: logit(-0.5), hi: logit(0.5) }, ROUNDING * (1 + Math.abs(logSumExp)))
}
