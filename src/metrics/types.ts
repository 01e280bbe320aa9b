import type { SampleFacts } from './noise.js'
import type { Metrics } from './table.js'

/** The values that a number can have, both ends included. */
export interface Interval {
  readonly lo: number
  readonly hi: number
}

/** Facts of one row by itself. `max`, `min` and `mean` include −Inf entries as they are. */
export interface RowStats {
  max: number
  min: number
  mean: number
  /** The vocab id of the largest logit; the lowest id if several share it. */
  top1: number
  /** The logit at `top1` (equals `max`). */
  top1Logit: number
  /** This row's logit at the *other* row's top-1. */
  logitAtOtherTop1: number
}

/** NaN and +Inf of one row. They make every metric meaningless, so they are counted and located instead. */
export interface NonFinite {
  nan: number
  positiveInfinity: number
  /** The lowest vocab id with NaN or +Inf; −1 if there is none. */
  firstVocabId: number
}

/** −Inf entries: vocab ids that are suppressed on both sides, or on one side only (a support mismatch). */
export interface Support {
  bothSuppressed: number
  goldenOnly: number
  dumpOnly: number
  /** The lowest vocab id that only one side suppresses; −1 if the supports agree. */
  firstMismatch: number
}

/** What the sums of a pair and a sample of its columns say of its scale. */
export interface RowScale {
  /** Standard deviations of the logits, and of dump − golden; NaN if a vocab id is −Inf. */
  golden: number
  dump: number
  gap: number
  /** The golden's probability of its top-1; NaN if a sum was given up. */
  topProbability: number
  sample: SampleFacts
}

/** A pair of rows that could be measured. */
export interface MeasuredRows {
  kind: 'measured'
  metrics: Metrics
  /** Absent if the rows were measured by another thread: it has used it already. */
  scale?: RowScale
  golden: RowStats
  dump: RowStats
  support: Support
}

/**
 * The result of comparing one pair of rows. `no-support`: every logit of that side is −Inf, so it has no softmax. NaN
 * and +Inf take precedence over it.
 */
export type RowComparison =
  | MeasuredRows
  | { kind: 'non-finite'; golden: NonFinite; dump: NonFinite }
  | { kind: 'no-support'; side: 'golden' | 'dump' | 'both' }
