import type { Divergence } from './divergence.js'
import type { SampleFacts } from './noise.js'
import { EPSILON, type PairSums } from './pair-sums.js'
import type { RowScan } from './row-scan.js'
import type { MeasuredRows, RowScale, RowStats, Support } from './types.js'

/** The sums of one pair of rows, and facts of each row. */
export interface PairFacts {
  sums: PairSums
  support: Support
  golden: RowScan
  dump: RowScan
  /** The golden's logit at the dump's top-1, and the other way round. */
  goldenAtDumpTop1: number
  dumpAtGoldenTop1: number
  sample: SampleFacts
}

/**
 * Evaluates every metric of the table. If only one side is −Inf at some vocab id, the rows are infinitely far apart:
 * every error and the distance are Infinity, and the cosine is that of the ids that are finite on both sides (0 if
 * there are none).
 */
export function measure(facts: PairFacts, count: number, { divergence, mass }: Divergence): MeasuredRows {
  const { sums, support } = facts
  const mismatched = support.firstMismatch >= 0
  const shared = count - support.bothSuppressed - support.goldenOnly - support.dumpOnly
  const error = (value: number) => (mismatched ? Number.POSITIVE_INFINITY : value)
  const norm = Math.sqrt(sums.gg)
  return {
    kind: 'measured',
    // Not a loop over the table: this runs for every token, and V8 makes an object literal much faster.
    metrics: {
      cosineSimilarity: shared === 0 ? 0 : cosine(sums),
      klDivergence: divergence,
      maxRelativeError: error(sums.relativeMax),
      meanRelativeError: error(sums.relativeSum / count),
      maxAbsoluteError: error(sums.absoluteMax),
      meanAbsoluteError: error(sums.absoluteSum / count),
      relativeEuclideanDistance: error(norm > EPSILON ? Math.sqrt(sums.dd) / norm : 0),
    },
    golden: statsOf(facts.golden, facts.goldenAtDumpTop1),
    dump: statsOf(facts.dump, facts.dumpAtGoldenTop1),
    support,
    scale: scaleOf(facts, count, mass),
  }
}

function scaleOf({ sums, support, golden, dump, sample }: PairFacts, count: number, mass: number): RowScale {
  // With suppressed ids the means are −Infinity, and so are the sums of the gaps.
  const isWhole = support.bothSuppressed + support.goldenOnly + support.dumpOnly === 0
  const deviation = (squares: number, mean: number) =>
    isWhole ? Math.sqrt(Math.max(0, squares / count - mean * mean)) : Number.NaN
  return {
    golden: deviation(sums.gg, golden.mean),
    dump: deviation(sums.mm, dump.mean),
    gap: deviation(sums.dd, dump.mean - golden.mean),
    topProbability: 1 / mass,
    sample,
  }
}

/**
 * Cosine similarity, in [−1, 1]: 1 if both rows are all zero, 0 if one is.
 *
 * Near 1 it is computed from the differences only: 1 − cos = (Σd² − (‖m‖ − ‖g‖)²) / (2‖g‖‖m‖), and
 * ‖m‖ − ‖g‖ = Σd(m + g) / (‖m‖ + ‖g‖). So identical rows give exactly 1. If the lengths are too far apart
 * (Σd² > 2‖g‖‖m‖: from a factor of 2 + √3 on), these terms cancel, and the quotient is more precise.
 */
function cosine({ gg, mm, gm, dd, spread }: PairSums): number {
  if (gg === 0 || mm === 0) return gg === mm ? 1 : 0
  const g = Math.sqrt(gg)
  const m = Math.sqrt(mm)
  const quotient = Math.min(1, Math.max(-1, gm / g / m))
  if (quotient < 0.5 || dd > 2 * g * m) return quotient
  const lengths = spread / (g + m)
  return 1 - Math.max(0, dd - lengths * lengths) / (2 * g * m)
}

// Field by field: objects made by a spread survive V8's young collections, which adds up over many tokens.
function statsOf({ max, min, mean, top1, top1Logit }: RowScan, logitAtOtherTop1: number): RowStats {
  return { max, min, mean, top1, top1Logit, logitAtOtherTop1 }
}
