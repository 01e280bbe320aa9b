import type { List } from '../lib/lazy-list.js'
import type { MetricBounds, SideFacts } from '../measure/outcome.js'
import type { Candidates } from '../measure/top-candidates.js'
import type { NearTie } from '../metrics/near-tie.js'
import type { LimitedKey, OptionalKey, OptionalMetrics } from '../metrics/optional/table.js'
import type { Precision } from '../metrics/precision.js'
import type { GatedKey, Metrics } from '../metrics/table.js'
import type { NonFinite, RowStats, Support } from '../metrics/types.js'
import type { CalibratedRunKey, Calibration } from './calibration/types.js'
import type { RunStatistics } from './run-statistics.js'

export type { Precision } from '../metrics/precision.js'

/**
 * How each run chose the tokens that it was fed after the prompt: its own top-1 (`greedy`), a draw from its own probabilities
 * (`sampled`), or tokens that were given, the same to both runs (`forced`).
 */
export type Decoding = 'greedy' | 'sampled' | 'forced'

/** Vocab ids that each run chose, by step: the one at n was chosen after the row of token n, and fed to token n + 1. */
export interface TokenIds {
  readonly golden: readonly number[]
  readonly dump: readonly number[]
  /** A run may have ended before the last token. Otherwise each token but the last must have an id. */
  readonly mayEndEarly?: boolean
}

/**
 * Limits that a token must keep, all strictly: a value equal to its limit fails. KL divergence must be below its limit, cosine
 * similarity above. Optional metrics have a limit only if the caller sets it.
 */
export interface Thresholds extends Record<GatedKey, number>, Partial<Record<LimitedKey, number>> {
  precision: Precision
}

/**
 * - `pass`: measured, and within every threshold
 * - `over-threshold`: measured, and not within one of them
 * - `undecided`: a compact snapshot or rounded log-probabilities bound the metrics, but a limit lies between the bounds; or the ranks can be read in two
 *   ways, and only one of them is within every threshold
 * - `not-identical`: of `toReproduceLogits` alone: both read, and their bits differ
 * - `not-comparable`: behind the token at which the two runs began to read different texts: neither passed nor failed
 * - `shape-mismatch`: both read, but the rows cannot be compared: other vocabulary sizes, a batch …
 * - `no-information`: a row whose logits are all equal, or probabilities in place of logits
 * - `non-finite`: NaN or +Inf on a side, or −Inf only
 * - `missing`: the golden has the step, the dump does not
 * - `extra`: the dump has the step, the golden does not
 * - `unreadable`: a file of the step could not be read
 */
export type Verdict =
  | 'pass'
  | 'over-threshold'
  | 'undecided'
  | 'not-identical'
  | 'not-comparable'
  | 'shape-mismatch'
  | 'no-information'
  | 'non-finite'
  | 'missing'
  | 'extra'
  | 'unreadable'

/** One side of one token. What was not learnt (a missing or unreadable file) is absent. */
export interface TokenSide extends SideFacts, Partial<RowStats> {
  nonFinite?: NonFinite
}

/** How noisy a token is, for `bf16` and `fp16` and rows of at least 256 columns. See docs/verdicts.md. */
export interface TokenNoise {
  /** d: the robust deviation of dump − golden over the standard deviation of the golden's logits. */
  relativeSpread: number
  /** The standard deviation of the dump's logits over that of the golden's. */
  deviationRatio: number
  /** The standard deviation of the golden's logits. */
  goldenDeviation: number
  /**
   * True if the token is over a reference limit, or may be too noisy: d is then measured over all columns (at most 4,096 of
   * them), otherwise over 128.
   */
  isExact: boolean
  /** H: the KL divergence that rounding of the precision makes at these logits and this spread. Only if `isExact`. */
  expectedKl?: number
  /** L: the largest one, which honest comparisons hardly ever exceed. Only if `isExact`. */
  largestKl?: number
}

/**
 * The metrics of one token, including the ones of the option `metrics`. From rows of log-probabilities only the KL divergence follows:
 * the others are absent, not 0.
 */
export type TokenMetrics = Pick<Metrics, 'klDivergence'> & Partial<Metrics> & OptionalMetrics

/** What the baseline does at a token, and what it lets the tested side do. */
export interface BaselineFacts {
  readonly klDivergence: number
  readonly allowedKl: number
  /** Absent if the noise of the rows is not known. */
  readonly relativeSpread?: number
  readonly allowedSpread?: number
  readonly top1?: number
}

/** What a comparison of layers knows of one layer, as plain data: reports draw it. */
export interface LayerFacts {
  /** The golden's name of the layer, or the dump's if the golden has none. */
  readonly name: string
  readonly type?: string
  /** Medians over the positions that were used of ‖dump − golden‖ / ‖golden‖. Absent if the layer was not measured. */
  readonly outputError?: number
  /** Absent if no input is at hand. */
  readonly inputError?: number
  /** The output error that rounding alone makes, and where it is known from. */
  readonly naturalError?: number
  readonly naturalFrom?: 'floor' | 'kind'
  /** ‖dump‖ / ‖golden‖ */
  readonly normRatio?: number
  /** Number of positions that were used. */
  readonly positions?: number
  /** The rule that named this layer as the first that diverges. */
  readonly rule?: string
}

export interface TokenComparison {
  /** Which run it belongs to, if several were compared (option `run: 'all'`). */
  run?: string
  step: number
  /** Which position of the step, from 0, if the option `positions: 'all'` found several; each is a separate token. */
  position?: number
  verdict: Verdict
  /** True if the token lets the comparison pass. Tokens that an option excuses (`missing: 'allow'` …) do. */
  pass: boolean
  /** Why, in one line; for a pass `''`, or the bounds of the metrics. */
  reason: string
  /** Absent unless both rows were measured: the verdict is `pass`, `over-threshold` or `not-comparable`. */
  metrics?: TokenMetrics
  /** In place of `metrics` if a compact snapshot bounds them, beside `metrics` if rows of log-probabilities are rounded. */
  bounds?: MetricBounds
  support?: Support
  /** If top-1 differs: how far the two logits moved against each other, and whether rounding explains it. */
  flip?: NearTie
  /** Absent if nothing is known of it. */
  noise?: TokenNoise
  /** The golden's probability of its top-1, if it is known. */
  topProbability?: number
  /** True if the token passes although it is over a reference limit, which the rounding of the precision explains. */
  isExcused?: boolean
  /** The 10 most probable vocab ids of both sides, of the first 100 tokens that are over a limit or undecided. */
  candidates?: Candidates
  /** With the option `baseline`. */
  baseline?: BaselineFacts
  /** Of a comparison of layers, whose rows are layers of one token. */
  layer?: LayerFacts
  golden?: TokenSide
  dump?: TokenSide
}

/** compared + failed + missing + extra + unreadable = total, always. */
export interface Counts {
  total: number
  /** Both rows read and every metric measured: passed + overThreshold + notComparable. */
  compared: number
  passed: number
  overThreshold: number
  /**
   * Of those with the verdict `not-comparable`, the ones that both sides have. One that a side lacks counts as `missing` or
   * `extra`.
   */
  notComparable: number
  /** Both rows read, but no metric could be measured: shape-mismatch, non-finite, no-information or undecided. */
  failed: number
  missing: number
  extra: number
  unreadable: number
}

/** What the comparable tokens of a run show together. */
export interface RunNoise {
  /** Tokens with a known noise. */
  readonly tokens: number
  /** The median of their relative spreads: the sharpest sign of a noisier kernel. */
  readonly medianSpread: number
  /** The sum of their KL divergences over the sum of those that rounding makes: a sign of damage in the top vocab ids. */
  readonly divergenceRatio: number
  /** The median of the ratios of standard deviations: a sign of a factor on the logits. */
  readonly deviationRatio: number
}

/** A sequence of one side's batch that matches the other side, while the one that the option `sequence` chose does not. */
export interface OtherSequence {
  side: 'golden' | 'dump'
  chosen: number
  sequence: number
  /** How many tokens over a limit are within all limits with that sequence; at most three are tried. */
  tokens: number
}

/** The statistics of a run that `thresholds` may limit. */
export type RunKey = 'meanKl' | 'p99Kl' | 'top1Agreement'

/** Errors of a run divided by the errors of the baseline: the factor that the option `baselineFactor` limits. */
export type BaselineRunKey = 'klFactor' | 'spreadFactor' | 'scaleFactor' | 'peakFactor'

/**
 * A limit on a run, judged.
 * - `pass`, `over-threshold`: the statistic is, or is not, within the limit
 * - `undecided`: compact snapshots bound the statistic, and the limit lies between the bounds
 * - `too-short`: the statistic is within the limit, but the run has too few tokens to show that
 */
export interface RunVerdict {
  readonly key: RunKey | CalibratedRunKey | BaselineRunKey
  readonly limit: number
  readonly verdict: 'pass' | 'over-threshold' | 'undecided' | 'too-short'
  /** The bounds of the statistic; they are equal unless a compact snapshot was compared. NaN without tokens. */
  readonly lo: number
  readonly hi: number
  /** The standard error of a mean or a share. */
  readonly error?: number
  /** How many tokens the statistic is about. */
  readonly tokens: number
  /** Which run is over the limit by itself, if several were compared. Absent for all together. */
  readonly run?: string
  /** In one line. */
  readonly reason: string
}

/** A whole comparison as data. Messages, CSV and reports only render it. */
export interface Comparison {
  /** True if no token and no limit on the run fails, enough tokens were comparable, and, with the option `strict`, there is no warning. */
  pass: boolean
  /** Why too few tokens were comparable to release on, if no token fails. */
  inconclusive?: string
  /** Sorted by `step` and `position`; of several runs, one run after the other as in `runs`. Some 0.6 kB each. */
  tokens: TokenComparison[]
  /** The first token that does not pass. */
  firstFailure?: TokenComparison
  counts: Counts
  thresholds: Thresholds
  /** The optional metrics that were asked for, by the option `metrics` or a limit; absent if there are none. */
  metrics?: readonly OptionalKey[]
  /** Of the comparable tokens; absent if fewer than ten have a known noise. */
  noise?: RunNoise
  /** The calibration whose limits are in use. */
  calibration?: Calibration
  /** The accepted run by whose errors the tokens were judged, and the factor. */
  baseline?: { readonly path: string; readonly factor: number; readonly precision: Precision; readonly tokens: number }
  /** The limits on the whole run, judged; absent if `thresholds` has none. */
  run?: readonly RunVerdict[]
  /** What was assumed, ignored or cut, one line each. */
  notes: string[]
  /** The notes about what was guessed, skipped or excused, so that the verdict may be weaker than it looks. */
  warnings: string[]
  /** True if the option `strict` makes warnings fail. */
  strict: boolean
  /** As the option `decoding` says. Absent if it is not set: then greedy decoding is assumed. */
  decoding?: Decoding
  /**
   * What vocab ids show that both runs had read the same text before each token that passes or fails: `chosen` are the ids that
   * each run chose, of the option `tokenIds` or found with the logits; `fed` are those found that both were fed.
   */
  sameIds?: 'chosen' | 'fed'
  /** Present if tokens are over a limit, and another sequence of a batch is within them. */
  otherSequence?: OtherSequence
  /** Each run, the worst first, if several were compared (option `run: 'all'`). */
  runs?: RunResult[]
  /** What was compared, as the caller named it. */
  goldenPath: string
  dumpPath: string
}

/** One of several runs of a comparison. */
export interface RunResult {
  name: string
  /** True if none of its tokens fails, nor a limit for the run as a whole. */
  pass: boolean
  counts: Counts
  firstFailure?: TokenComparison
  /** Absent if no comparable token was measured. */
  statistics?: RunStatistics
}

/** A comparison inside the package: its tokens are made each time they are asked for. */
export type ListedComparison = Omit<Comparison, 'tokens'> & {
  readonly tokens: List<TokenComparison>
  /** Of several runs the comparison of the worst one, if it fails. */
  readonly worstRun?: ListedComparison
  /** The tokens for which both runs had read the same text: statistics of a run are about these. */
  readonly comparable?: () => Iterable<TokenComparison>
  /** How many tokens `missing: 'allow'` or `extra: 'allow'` excuses. */
  readonly allowed?: number
  /** Why it would be inconclusive if nothing failed, as by other limits. */
  readonly tooFew?: string
}
