import type { DumpKind, DumpStep } from '../dumps/types.js'
import type { OptionalMetrics } from '../metrics/optional/table.js'
import type { RowNoise } from '../metrics/row-noise.js'
import type { GatedKey } from '../metrics/table.js'
import type { Interval, MeasuredRows, RowComparison, RowStats } from '../metrics/types.js'
import type { Dtype } from '../tensor/dtype.js'
import type { VocabCut } from './vocab-cut.js'

/** What the source says of one side of a pair. What was not learnt (a missing or unreadable file) is absent. */
export interface SideFacts {
  /** The file the row came from; one per rank if the vocabulary is split over ranks. */
  files: readonly string[]
  /** The layer that emitted the logits, e.g. `root.lm_head` or `67_LmHead`; `''` if the layout names none. */
  layer: string
  /** What the row holds; absent for logits. */
  kind?: Exclude<DumpKind, 'logits'>
  dtype?: Dtype
  /** The narrower type that a float32 row was saved from, if all its values are numbers of that type. */
  savedFrom?: 'bfloat16' | 'float16'
  /** Of the row that was compared, `[1, vocabulary]`. */
  shape?: readonly number[]
  /** Of the tensor in the file (in each file, if ranks were joined). */
  fileShape?: readonly number[]
}

/** What is known of a step whose row was not read. */
export function unreadFacts({ files, layer, tensor }: DumpStep): SideFacts {
  const facts = { files: [...files], layer }
  return tensor ? { ...facts, dtype: tensor.dtype, fileShape: tensor.shape } : facts
}

/** Intervals that hold the gated metrics, both ends included. */
export interface MetricBounds {
  readonly klDivergence: Interval
  /** Absent if a row holds log-probabilities: the logits, and so their cosine, cannot be had from them. */
  readonly cosineSimilarity?: Interval
  /** Of rows of which only some vocab ids are known. */
  readonly totalVariation?: Interval
  readonly jensenShannonDivergence?: Interval
}

/** The noise between two rows of which one is known in part, and the golden's logits, which say what that noise does. */
export interface EstimatedNoise {
  /** The standard deviation of dump − golden over that of the golden's logits, within some 7 %. */
  readonly relativeSpread: number
  readonly goldenDeviation: number
  /** The golden's logits, the others summed up: the groups of `expectedDivergence`. Arrays, which JSON keeps. */
  readonly groups: readonly { readonly logits: readonly number[]; readonly weight: number }[]
}

/** A pair of rows of which one is known in part, or rounded. */
export interface BoundedRows {
  readonly kind: 'bounded'
  readonly bounds: MetricBounds
  /** The KL divergence of the values as they are, if both rows have all of them. */
  readonly klDivergence?: number
  /** What the upper bound of the KL divergence rests on, as the end of "if …". */
  readonly assumes?: string
  /** What to do if a limit lies between the bounds. */
  readonly advice?: string
  /** Absent if it is not known. */
  readonly noise?: EstimatedNoise
  /** Of rows of which only some ids are known: how many both sides list, and how much of the golden's probability is not on them. */
  readonly known?: { readonly ids: number; readonly rest: number }
  readonly golden: Partial<RowStats>
  readonly dump: Partial<RowStats>
}

/**
 * The other reading of a pair whose ranks may be parts of one vocabulary, as they were measured, or rows of their own: every
 * pair of ranks measured by itself.
 */
export interface SeparateRanks {
  /** Number of ranks of each side. */
  readonly count: number
  /** For each gated metric the worst value of all ranks, and the first rank that has it. */
  readonly worst: Readonly<Record<GatedKey, { readonly rank: number; readonly value: number }>>
}

/**
 * What is known of one step that both sides have, before any threshold. Plain data: it may cross from one thread to another.
 * `suppressedMass`: the dump's probability on vocab ids that the golden alone suppresses (−Inf), which the KL divergence does not
 * see; absent if there are none.
 */
export type Outcome = {
  golden: SideFacts
  dump: SideFacts
  /** What the sources chose or left out, one line each. */
  notes: readonly string[]
} & (
  | {
      kind: 'compared'
      rows: RowComparison
      cut?: VocabCut
      suppressedMass?: number
      separate?: SeparateRanks
      /** Of rows that were measured, unless both hold integers. */
      noise?: RowNoise | undefined
      /** The optional metrics that need both rows, if any was asked for. */
      optional?: OptionalMetrics
    }
  | { kind: 'bounded'; rows: BoundedRows; cut?: VocabCut }
  | { kind: 'shape-mismatch'; reason: string }
  | { kind: 'no-information'; reason: string }
  | { kind: 'unreadable'; reason: string }
)

/** Both rows were read, every metric was measured, and there is no more to say of them. */
export type MeasuredOutcome = Outcome & { kind: 'compared'; rows: MeasuredRows }

export function isMeasured(outcome: Outcome): outcome is MeasuredOutcome {
  if (outcome.kind !== 'compared' || outcome.rows.kind !== 'measured') return false
  const { golden, dump } = outcome.rows
  if (!areFloat32(golden) || !areFloat32(dump)) return false
  return outcome.suppressedMass === undefined && outcome.separate === undefined
}

/** Records hold logits as float32. */
function areFloat32({ max, min, logitAtOtherTop1 }: RowStats): boolean {
  return Math.fround(max) === max && Math.fround(min) === min && Math.fround(logitAtOtherTop1) === logitAtOtherTop1
}
