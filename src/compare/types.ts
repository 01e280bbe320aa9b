import type { List } from '../lib/lazy-list.js'
import type { Metrics, NonFinite, Support } from '../metrics/types.js'
import type { Dtype } from '../tensor/dtype.js'

/** The precision that a dump was computed in, which chooses the thresholds. */
export type Precision = 'bf16' | 'fp16' | 'fp32'

/** Limits that a token must keep, all strictly: a value equal to its limit fails. */
export interface Thresholds {
  precision: Precision
  /** KL divergence must be below. */
  klDivergence: number
  /** Cosine similarity must be above. */
  cosineSimilarity: number
}

/**
 * - `pass`: measured, and within every threshold
 * - `over-threshold`: measured, and not within one of them
 * - `undecided`: a compact golden bounds the metrics, but a limit lies between the bounds
 * - `diverged`: measured, but after the first top-1 flip, where the option `afterDivergence: 'ignore'` gates no more
 * - `shape-mismatch`: both read, but the rows cannot be compared: other vocabulary sizes, a batch …
 * - `non-finite`: NaN or +Inf on a side, or nothing but −Inf
 * - `missing`: the golden has the step, the dump has not
 * - `extra`: the dump has the step, the golden has not
 * - `unreadable`: a file of the step could not be read
 */
export type Verdict =
  | 'pass'
  | 'over-threshold'
  | 'undecided'
  | 'diverged'
  | 'shape-mismatch'
  | 'non-finite'
  | 'missing'
  | 'extra'
  | 'unreadable'

/** One side of one token. What was not learnt (a missing or unreadable file) is absent. */
export interface TokenSide {
  /** The file the row came from; one per rank where the vocabulary is split over ranks. */
  files: readonly string[]
  /** The layer that emitted the logits, e.g. `root.lm_head` or `67_LmHead`; `''` where the layout names none. */
  layer: string
  dtype?: Dtype
  /** Of the row that was compared, `[1, vocabulary]`. */
  shape?: readonly number[]
  /** Of the tensor in the file (in each file, where ranks were joined). */
  fileShape?: readonly number[]
  max?: number
  min?: number
  mean?: number
  /** Vocab id of the largest logit. */
  top1?: number
  top1Logit?: number
  /** This side's logit at the other side's top-1. */
  logitAtOtherTop1?: number
  nonFinite?: NonFinite
}

/** Intervals that hold the metrics which are gated, both ends included. */
export interface MetricBounds {
  readonly klDivergence: { readonly lo: number; readonly hi: number }
  readonly cosineSimilarity: { readonly lo: number; readonly hi: number }
}

export interface TokenComparison {
  step: number
  verdict: Verdict
  /** Does the token let the comparison pass? Tokens that an option excuses (`missing: 'allow'` …) do. */
  pass: boolean
  /** Why, in one line; for a pass `''`, or the bounds of the metrics. */
  reason: string
  /** Absent unless both rows were measured: the verdict is `pass`, `over-threshold` or `diverged`. */
  metrics?: Metrics
  /** In place of `metrics` where a compact golden bounds them. */
  bounds?: MetricBounds
  support?: Support
  golden?: TokenSide
  dump?: TokenSide
}

/** compared + failed + missing + extra + unreadable = total, always. */
export interface Counts {
  total: number
  /** Both rows read and every metric measured: passed + overThreshold + diverged. */
  compared: number
  passed: number
  overThreshold: number
  diverged: number
  /** Both rows read, but no metric could be measured: shape-mismatch, non-finite or undecided. */
  failed: number
  missing: number
  extra: number
  unreadable: number
}

/** A whole comparison as data. Messages, CSV and reports only render it. */
export interface Comparison {
  pass: boolean
  /** Sorted by `step`. Made when they are first looked at, some 0.6 kB each. */
  tokens: TokenComparison[]
  /** The first token that does not pass. */
  firstFailure?: TokenComparison
  counts: Counts
  thresholds: Thresholds
  /** What was guessed, ignored or cut, one line each. */
  notes: string[]
  /** What was compared, as the caller named it. */
  goldenPath: string
  dumpPath: string
}

/** A comparison inside the package: its tokens are made when they are asked for, and again the next time. */
export type ListedComparison = Omit<Comparison, 'tokens'> & { readonly tokens: List<TokenComparison> }
