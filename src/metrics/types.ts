/**
 * The seven metrics of one pair of rows, g = golden and m = dump, each evaluated in float64 on the float32 values.
 * Sums and maxima run over the vocabulary. The columns are those of `msit llm compare`, evaluated in float64.
 */
export interface Metrics {
  /** Σgm / (‖g‖‖m‖), in [−1, 1]; 1 where both rows are all zero, 0 where one is. */
  cosineSimilarity: number
  /** Σ p·(log p − log q), p = softmax(g), q = softmax(m); natural log, in [0, ∞]. */
  klDivergence: number
  /** max |m − g| / |g| over the vocab ids with |g| > 2⁻²³, 0 where there is none. */
  maxRelativeError: number
  /** The sum of the same terms, divided by the size of the whole vocabulary. */
  meanRelativeError: number
  /** max |m − g| over the vocab ids with |g| > 2⁻²³, 0 where there is none. */
  maxAbsoluteError: number
  /** The sum of the same terms, divided by the size of the whole vocabulary. */
  meanAbsoluteError: number
  /** ‖m − g‖ / ‖g‖; 0 where ‖g‖ ≤ 2⁻²³. */
  relativeEuclideanDistance: number
}

/** What one row looks like by itself. `max`, `min` and `mean` include −Inf entries as they are. */
export interface RowStats {
  max: number
  min: number
  mean: number
  /** The vocab id of the largest logit; the lowest id where several share it. */
  top1: number
  /** The logit at `top1` (equals `max`). */
  top1Logit: number
  /** This row's logit at the *other* row's top-1. */
  logitAtOtherTop1: number
}

/** NaN and +Inf of one row: they make every metric meaningless, so they are counted and located instead. */
export interface NonFinite {
  nan: number
  positiveInfinity: number
  /** The lowest vocab id holding NaN or +Inf, −1 where none does. */
  firstVocabId: number
}

/** −Inf entries: vocab ids that are suppressed on both sides, or on one side only (a support mismatch). */
export interface Support {
  bothSuppressed: number
  goldenOnly: number
  dumpOnly: number
  /** The lowest vocab id that one side only suppresses, −1 where the supports agree. */
  firstMismatch: number
}

/** A pair of rows that could be measured. */
export interface MeasuredRows {
  kind: 'measured'
  metrics: Metrics
  golden: RowStats
  dump: RowStats
  support: Support
}

/**
 * What the kernel says of one pair of rows. `no-support`: every logit of that side is −Inf, so that it has no softmax.
 * NaN and +Inf take precedence over it.
 */
export type RowComparison =
  | MeasuredRows
  | { kind: 'non-finite'; golden: NonFinite; dump: NonFinite }
  | { kind: 'no-support'; side: 'golden' | 'dump' | 'both' }
