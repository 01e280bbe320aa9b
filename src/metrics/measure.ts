import { cosine } from './cosine.js'
import { EPSILON, type PairSums } from './pair-sums.js'
import type { RowScan } from './row-scan.js'
import type { MeasuredRows, RowStats, Support } from './types.js'

/** The sums of one pair of rows, however they were made, and what the rows are by themselves. */
export interface PairFacts {
  sums: PairSums
  support: Support
  golden: RowScan
  dump: RowScan
  /** The golden's logit at the dump's top-1, and the other way round. */
  goldenAtDumpTop1: number
  dumpAtGoldenTop1: number
}

/**
 * The metrics that the sums stand for. Where one side only is −Inf at a vocab id, the rows are infinitely far apart: every
 * error and the distance are Infinity, and the cosine is that of the ids finite on both sides (0 where there are none).
 */
export function measure(facts: PairFacts, count: number, klDivergence: number): MeasuredRows {
  const { sums, support } = facts
  const mismatched = support.firstMismatch >= 0
  const shared = count - support.bothSuppressed - support.goldenOnly - support.dumpOnly
  const error = (value: number) => (mismatched ? Number.POSITIVE_INFINITY : value)
  const norm = Math.sqrt(sums.gg)
  return {
    kind: 'measured',
    metrics: {
      cosineSimilarity: shared === 0 ? 0 : cosine(sums),
      klDivergence,
      maxRelativeError: error(sums.relativeMax),
      meanRelativeError: error(sums.relativeSum / count),
      maxAbsoluteError: error(sums.absoluteMax),
      meanAbsoluteError: error(sums.absoluteSum / count),
      relativeEuclideanDistance: error(norm > EPSILON ? Math.sqrt(sums.dd) / norm : 0),
    },
    golden: statsOf(facts.golden, facts.goldenAtDumpTop1),
    dump: statsOf(facts.dump, facts.dumpAtGoldenTop1),
    support,
  }
}

// Field by field: what a spread makes survives V8's collections of young garbage, which adds up over many tokens.
function statsOf({ max, min, mean, top1, top1Logit }: RowScan, logitAtOtherTop1: number): RowStats {
  return { max, min, mean, top1, top1Logit, logitAtOtherTop1 }
}
