import type { OptionalKey } from '../metrics/optional/table.js'
import type { TokenPlace } from './step-ranges.js'

/** The whole run in a few numbers, over the comparable tokens whose metrics are known. KL in nats. */
export interface RunStatistics {
  /** Number of tokens behind the KL numbers. */
  readonly tokens: number
  readonly meanKl: number
  /** Standard error of the mean; absent for a single token. */
  readonly meanKlError?: number
  readonly maxKl: ValueAt
  /** Percentiles of the KL divergence, linear between neighbours. */
  readonly klPercentiles: readonly Percentile[]
  /** Absent if no token has a cosine similarity: rows of log-probabilities have none. */
  readonly minCosine?: ValueAt
  /** Share of tokens with the same top-1 on both sides, and its standard error, √(p(1 − p)/(n − 1)). */
  readonly top1Agreement: { readonly value: number; readonly error: number; readonly tokens: number }
  /** By the golden's probability of its top-1, if it is known. Empty ranges are left out. */
  readonly confidence?: readonly ConfidenceRange[]
  /** The optional metrics that were asked for, as far as tokens have them; absent if none has. */
  readonly metrics?: readonly MetricStatistics[]
}

/** `percent` % of the tokens have at most this value. */
export interface Percentile {
  readonly percent: number
  readonly value: number
}

/** An optional metric over the comparable tokens. */
export interface MetricStatistics {
  readonly key: OptionalKey
  /** Number of tokens that have it. */
  readonly tokens: number
  readonly mean: number
  /** Standard error of the mean; absent for a single token. */
  readonly error?: number
  /** √(mean of squares), of a metric with a sign. */
  readonly rms?: number
  /** As of the KL divergence. */
  readonly percentiles: readonly Percentile[]
  readonly worst: ValueAt
}

/** An extreme value, with the token that has it. */
export interface ValueAt extends TokenPlace {
  readonly value: number
}

/** The tokens at which the golden's probability of its top-1 is in [from, to); the last range includes 1. */
export interface ConfidenceRange {
  readonly from: number
  readonly to: number
  readonly tokens: number
  readonly meanKl: number
  /** Share of tokens with the same top-1 on both sides. */
  readonly top1Agreement: number
}
