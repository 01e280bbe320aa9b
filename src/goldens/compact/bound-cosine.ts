import type { DumpFacts } from './dump-facts.js'
import { add, type Interval, ROUNDING, scale, square, widened } from './interval.js'
import { type CompactRow, ROOT_STEP } from './types.js'

const NOTHING_KNOWN: Interval = { lo: -1, hi: 1 }

/**
 * Bounds of the cosine similarity. Σgm is known on the listed ids; on each range of the tail the Cauchy-Schwarz inequality
 * holds it within √(Σ(g − ḡ)²·Σ(m − m̄)²) of n·ḡ·m̄. The tail carries nearly all of a row's norm, so that these bounds are wide:
 * they refute a wrong dump, but they cannot confirm a right one.
 */
export function boundCosine(golden: CompactRow, dump: DumpFacts): Interval {
  // Logits of suppressed ids that are not −Inf take part in the cosine, and the golden does not know them.
  const known = dump.sameSupport && golden.infinite === golden.suppressed && dump.infinite === golden.suppressed
  if (!known) return NOTHING_KNOWN
  let [dot, gg, mm]: [Interval, Interval, number] = [ZERO, ZERO, 0]
  golden.ids.forEach((id, i) => {
    const g = logitInterval(golden.roots[i]!, golden.logSumExp)
    const m = dump.row[id]!
    dot = add(dot, scale(g, m))
    gg = add(gg, square(g))
    mm += m * m
  })
  golden.ranges.forEach((range, i) => {
    const { size, sum, squares } = dump.ranges[i]!
    if (size === 0) return
    const spread = Math.sqrt(variance(range.sum, range.squares, size) * variance(sum, squares, size))
    dot = add(dot, widened(point((range.sum / size) * sum), spread))
    gg = add(gg, { lo: range.squares * (1 - ROUNDING), hi: range.squares * (1 + ROUNDING) })
    mm += squares
  })
  const [shortest, longest] = [Math.sqrt(gg.lo * mm * (1 - ROUNDING)), Math.sqrt(gg.hi * mm * (1 + ROUNDING))]
  if (!(shortest > 0 && longest < Number.POSITIVE_INFINITY)) return NOTHING_KNOWN
  const { lo, hi } = widened(dot, 2 * ROUNDING * longest)
  return {
    lo: Math.max(-1, lo / (lo < 0 ? shortest : longest) - ROUNDING),
    hi: Math.min(1, hi / (hi < 0 ? longest : shortest) + ROUNDING),
  }
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
