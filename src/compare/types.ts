import type { List } from '../lib/lazy-list.js'
import type { MetricBounds, SideFacts } from '../measure/outcome.js'
import type { Precision } from '../metrics/precision.js'
import type { GatedKey } from '../metrics/table.js'
import type { Metrics, NonFinite, RowStats, Support } from '../metrics/types.js'

export type { MetricBounds } from '../measure/outcome.js'
export type { Precision } from '../metrics/precision.js'

/**
 * How each run chose the tokens that it was fed after the prompt: its own top-1 (`greedy`), a draw from its own probabilities
 * (`sampled`), or tokens that were given, the same to both runs (`forced`).
 */
export type Decoding = 'greedy' | 'sampled' | 'forced'

/**
 * Limits that a token must keep, all strictly: a value equal to its limit fails. KL divergence must be below its limit, cosine
 * similarity above.
 */
export interface Thresholds extends Record<GatedKey, number> {
  precision: Precision
}

/**
 * - `pass`: measured, and within every threshold
 * - `over-threshold`: measured, and not within one of them
 * - `undecided`: a compact snapshot bounds the metrics, but a limit lies between the bounds; or the ranks can be read in two
 *   ways, and only one of them is within every threshold
 * - `not-identical`: of `toReproduceLogits` alone: both read, and their bits differ
 * - `diverged`: measured, but after the first top-1 flip, which the option `afterDivergence: 'ignore'` does not gate
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
  | 'diverged'
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

export interface TokenComparison {
  step: number
  /** Which position of the step, from 0, if the option `positions: 'all'` found several; each is a token of its own. */
  position?: number
  verdict: Verdict
  /** True if the token lets the comparison pass. Tokens that an option excuses (`missing: 'allow'` …) do. */
  pass: boolean
  /** Why, in one line; for a pass `''`, or the bounds of the metrics. */
  reason: string
  /** Absent unless both rows were measured: the verdict is `pass`, `over-threshold` or `diverged`. */
  metrics?: Metrics
  /** In place of `metrics` if a compact snapshot bounds them. */
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
  /** Both rows read, but no metric could be measured: shape-mismatch, non-finite, no-information or undecided. */
  failed: number
  missing: number
  extra: number
  unreadable: number
}

/** A whole comparison as data. Messages, CSV and reports only render it. */
export interface Comparison {
  /** True if no token fails, at least one was compared, and, with the option `strict`, there is no warning. */
  pass: boolean
  /** Sorted by `step` and `position`; some 0.6 kB each. */
  tokens: TokenComparison[]
  /** The first token that does not pass. */
  firstFailure?: TokenComparison
  counts: Counts
  thresholds: Thresholds
  /** What was assumed, ignored or cut, one line each. */
  notes: string[]
  /** The notes about what was guessed, skipped or excused, so that the verdict may be weaker than it looks. */
  warnings: string[]
  /** True if the option `strict` makes warnings fail. */
  strict: boolean
  /** As the option `decoding` says. Absent if it is not set: then greedy decoding is assumed. */
  decoding?: Decoding
  /** What was compared, as the caller named it. */
  goldenPath: string
  dumpPath: string
}

/** A comparison inside the package: its tokens are made each time they are asked for. */
export type ListedComparison = Omit<Comparison, 'tokens'> & { readonly tokens: List<TokenComparison> }
