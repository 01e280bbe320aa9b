import { overCut } from '../compare/judge.js'
import type { CompareSettings } from '../compare/options.js'
import { inferPrecision, thresholdsOf } from '../compare/thresholds.js'
import type { DumpStep } from '../dumps/types.js'
import type { Budgets } from '../io/budgets.js'
import { ReusedBytes } from '../lib/reused-bytes.js'
import { MOVED_LOGITS } from '../measure/measure-pair.js'
import type { RowSource } from '../measure/row-source.js'
import { quickScan } from '../metrics/sketches/index.js'
import { movesLogits, widened } from '../tensor/widen.js'
import { capture, rowProblem } from './capture.js'
import { summarise } from './compact/summarise.js'
import { rowDigest, sourcesOf } from './digests.js'
import type { Fidelity, SnapshotToken, SourceFile } from './types.js'

/** What the stored form of a row depends on. Plain data: it may cross from one thread to another. */
export interface RowSettings extends Pick<CompareSettings, 'vocabSize' | 'precision' | 'limits'> {
  readonly fidelity: Fidelity
  readonly k: number
  readonly budgets: Partial<Budgets>
}

/** What a snapshot keeps of one step, or why it cannot be stored. Plain data. */
export type StoredRow =
  | {
      kind: 'row'
      token: SnapshotToken
      sources: readonly SourceFile[]
      /** Of the tensor in the file. */
      fileShape: readonly number[]
      /** The row's elements, little-endian; absent for a compact row. */
      bytes?: Uint8Array
    }
  | { kind: 'refused'; reason: string }

/** Memory that a thread uses for one row after the other. */
export class RowMemory {
  readonly bytes = new ReusedBytes()
  readonly logits = new ReusedBytes()
  readonly piece = new ReusedBytes()
}

/** @throws GoldenLogitsError what `openFile` throws if a file vanishes after its row was read */
export function storeRow(source: DumpStep, rows: RowSource, settings: RowSettings, memory: RowMemory): StoredRow {
  const { vocabSize, precision, limits, fidelity, k, budgets } = settings
  const isCompact = fidelity === 'compact'
  // The bytes of a full row are passed on.
  const captured = capture(source, rows, vocabSize, isCompact ? memory.bytes : undefined)
  if (captured.kind !== 'row') return captured
  const { dtype, width, bytes, fileShape, cut } = captured
  const row = widened(bytes, dtype, width, memory.logits)
  const limit = thresholdsOf(precision ?? inferPrecision([dtype]), limits).klDivergence
  const scan = quickScan(row)
  const problem = rowProblem(row, scan) ?? (cut && overCut(cut, limit))
  if (problem !== undefined) return { kind: 'refused', reason: problem }
  if (isCompact && movesLogits(bytes, dtype, width)) return { kind: 'refused', reason: MOVED_LOGITS }
  const { top1, top1Logit } = scan
  const { step, layer } = source
  const token = { step, dtype, width, top1, top1Logit, layer, digest: rowDigest(row) }
  const sources = sourcesOf(step, source.files, budgets, memory.piece)
  if (isCompact) return { kind: 'row', token: { ...token, compact: summarise(row, k) }, sources, fileShape }
  return { kind: 'row', token, sources, fileShape, bytes }
}
