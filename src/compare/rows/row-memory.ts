import type { MeasuredRows } from '../../metrics/types.js'
import type { ColumnCut } from '../column-cut.js'
import type { TokenSide } from '../types.js'
import type { GatedMetrics } from '../verdict.js'
import type { LogPlace } from './outcome-log.js'
import type { MeasuredOutcome, RowForm, SideForm } from './row-form.js'

/** The numbers of measured pairs, a row of fixed size for each, in memory that threads may share. */
export interface RowMemory {
  readonly float64: Float64Array
  /** Views of the same bytes. */
  readonly float32: Float32Array
  readonly int32: Int32Array
}

/** Bytes of a row: 11 numbers of 8 bytes, then 6 and 7 of 4 bytes, and 4 bytes that keep the next row aligned. */
export const ROW_BYTES = 144

export function rowMemory(buffer: ArrayBuffer | SharedArrayBuffer): RowMemory {
  return { float64: new Float64Array(buffer), float32: new Float32Array(buffer), int32: new Int32Array(buffer) }
}

// Where in a row each number is, counted from its front in items of the view's size.
const MEANS = 7
const MASSES = 9
/** Logits are float32: maximum, minimum, and the one at the other side's top-1. The logit at the own top-1 is the maximum. */
const LOGITS = { golden: 22, dump: 25 } as const
const TOP1 = { golden: 28, dump: 29 } as const
const SUPPORT = 30
const FORM = 34
/** Of an outcome in the log, whose position is the first number. */
const LENGTH = 2

/** @param form the number of the row's form in whatever list the reader has, from 0 */
export function writeRow(
  memory: RowMemory,
  row: number,
  { metrics, golden, dump, support }: MeasuredRows,
  cut: ColumnCut | undefined,
  form: number,
): void {
  const { float64, int32 } = memory
  const [wide, narrow] = [(row * ROW_BYTES) / 8, (row * ROW_BYTES) / 4]
  float64[wide] = metrics.cosineSimilarity
  float64[wide + 1] = metrics.klDivergence
  float64[wide + 2] = metrics.maxRelativeError
  float64[wide + 3] = metrics.meanRelativeError
  float64[wide + 4] = metrics.maxAbsoluteError
  float64[wide + 5] = metrics.meanAbsoluteError
  float64[wide + 6] = metrics.relativeEuclideanDistance
  float64[wide + MEANS] = golden.mean
  float64[wide + MEANS + 1] = dump.mean
  float64[wide + MASSES] = cut?.goldenMass ?? 0
  float64[wide + MASSES + 1] = cut?.dumpMass ?? 0
  writeLogits(memory, narrow + LOGITS.golden, golden)
  writeLogits(memory, narrow + LOGITS.dump, dump)
  int32[narrow + TOP1.golden] = golden.top1
  int32[narrow + TOP1.dump] = dump.top1
  int32[narrow + SUPPORT] = support.bothSuppressed
  int32[narrow + SUPPORT + 1] = support.goldenOnly
  int32[narrow + SUPPORT + 2] = support.dumpOnly
  int32[narrow + SUPPORT + 3] = support.firstMismatch
  // Memory begins as zeros, which stand for no row.
  int32[narrow + FORM] = form + 1
}

/** In place of a row: where in the log the outcome lies. */
export function writePlace({ float64, int32 }: RowMemory, row: number, { position, length }: LogPlace): void {
  float64[(row * ROW_BYTES) / 8] = position
  const narrow = (row * ROW_BYTES) / 4
  int32[narrow + LENGTH] = length
  int32[narrow + FORM] = IN_LOG + 1
}

export function readPlace({ float64, int32 }: RowMemory, row: number): LogPlace {
  return { position: float64[(row * ROW_BYTES) / 8]!, length: int32[(row * ROW_BYTES) / 4 + LENGTH]! }
}

function writeLogits({ float32 }: RowMemory, at: number, stats: MeasuredRows['golden']): void {
  float32[at] = stats.max
  float32[at + 1] = stats.min
  float32[at + 2] = stats.logitAtOtherTop1
}

/** Takes over a row that another thread has written. */
export function copyRow(from: RowMemory, fromRow: number, to: RowMemory, toRow: number): void {
  const items = ROW_BYTES / 8
  to.float64.set(from.float64.subarray(fromRow * items, (fromRow + 1) * items), toRow * items)
}

/** In place of a form's number: there is no row, or only the place of an outcome in the log. */
export const NO_ROW = -1
export const IN_LOG = -2

/** The number of a row's form, from 0; `NO_ROW`; `IN_LOG`. */
export function formOfRow({ int32 }: RowMemory, row: number): number {
  return int32[(row * ROW_BYTES) / 4 + FORM]! - 1
}

/** The metrics that are gated, of a row that was written. */
export function readGated({ float64 }: RowMemory, row: number): GatedMetrics {
  const wide = (row * ROW_BYTES) / 8
  return { cosineSimilarity: float64[wide]!, klDivergence: float64[wide + 1]! }
}

/** Of a row that was measured everything is known. */
export type MeasuredSide = Required<Omit<TokenSide, 'nonFinite'>>

/** What `writeRow` was given. The sides are those of a token at the same time, so that no number is there twice. */
export function readRow(
  memory: RowMemory,
  row: number,
  form: RowForm,
  steps: { readonly golden: Pick<TokenSide, 'files' | 'layer'>; readonly dump: Pick<TokenSide, 'files' | 'layer'> },
): MeasuredOutcome {
  const { float64, int32 } = memory
  const [wide, narrow] = [(row * ROW_BYTES) / 8, (row * ROW_BYTES) / 4]
  const golden = readSide(memory, row, 'golden', form.golden, steps.golden)
  const dump = readSide(memory, row, 'dump', form.dump, steps.dump)
  const metrics = {
    cosineSimilarity: float64[wide]!,
    klDivergence: float64[wide + 1]!,
    maxRelativeError: float64[wide + 2]!,
    meanRelativeError: float64[wide + 3]!,
    maxAbsoluteError: float64[wide + 4]!,
    meanAbsoluteError: float64[wide + 5]!,
    relativeEuclideanDistance: float64[wide + 6]!,
  }
  const support = {
    bothSuppressed: int32[narrow + SUPPORT]!,
    goldenOnly: int32[narrow + SUPPORT + 1]!,
    dumpOnly: int32[narrow + SUPPORT + 2]!,
    firstMismatch: int32[narrow + SUPPORT + 3]!,
  }
  const rows: MeasuredRows = { kind: 'measured', metrics, golden, dump, support }
  // Field by field: what a spread makes survives V8's collections of young garbage, which adds up over many tokens.
  const outcome: MeasuredOutcome = { kind: 'compared', golden, dump, notes: form.notes, rows }
  if (form.cut) {
    outcome.cut = {
      goldenColumns: form.cut.goldenColumns,
      goldenMass: float64[wide + MASSES]!,
      dumpColumns: form.cut.dumpColumns,
      dumpMass: float64[wide + MASSES + 1]!,
    }
  }
  return outcome
}

function readSide(
  { float64, float32, int32 }: RowMemory,
  row: number,
  side: 'golden' | 'dump',
  { dtype, fileShape, shape }: SideForm,
  { files, layer }: Pick<TokenSide, 'files' | 'layer'>,
): MeasuredSide {
  const narrow = (row * ROW_BYTES) / 4
  const logits = narrow + LOGITS[side]
  const max = float32[logits]!
  return {
    files,
    layer,
    dtype,
    fileShape,
    shape,
    max,
    min: float32[logits + 1]!,
    mean: float64[(row * ROW_BYTES) / 8 + MEANS + (side === 'golden' ? 0 : 1)]!,
    top1: int32[narrow + TOP1[side]]!,
    top1Logit: max,
    logitAtOtherTop1: float32[logits + 2]!,
  }
}
