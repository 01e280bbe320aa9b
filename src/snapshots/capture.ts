import { type ColumnCut, cutOf } from '../compare/column-cut.js'
import { planRanks } from '../compare/ranks.js'
import { openRow, type RowPart } from '../compare/row-source.js'
import type { TokenSide } from '../compare/types.js'
import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import type { TensorReader } from '../formats/tensor-reader.js'
import type { FileSource } from '../io/file-source.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'

/** One step of a dump, read by itself. `side` tells what is known of it. */
export type Capture = { side: TokenSide; notes: string[] } & (
  | { kind: 'row'; dtype: Dtype; width: number; bytes: Uint8Array; cut?: ColumnCut }
  | { kind: 'shape-mismatch' | 'unreadable'; reason: string }
)

/**
 * Reads the row of a step, all ranks together: ranks that hold the same bytes are copies, others are parts of the
 * vocabulary.
 * @param vocabSize keep so many columns only
 */
export function capture(step: DumpStep, reader: TensorReader, vocabSize: number | undefined): Capture {
  const side: TokenSide = { files: [...step.files], layer: step.layer }
  const opened: FileSource[] = []
  try {
    const row = openRow(step, reader, opened)
    if (row.kind === 'unreadable') return { side, notes: [], ...row }
    if (row.kind === 'shape-mismatch') {
      side.dtype = row.dtype
      side.fileShape = row.fileShape
      return { side, notes: [], kind: 'shape-mismatch', reason: `dump: ${row.reason}` }
    }
    const [first] = row.parts as [RowPart, ...RowPart[]]
    const { dtype } = first
    side.dtype = dtype
    side.fileShape = [...first.tensor.shape]
    const rows = row.parts.map(readPart)
    const plan = planRanks(row.parts, row.parts, () => rows.every((bytes) => Buffer.compare(bytes, rows[0]!) === 0))
    if ('reason' in plan) return { side, notes: row.notes, kind: 'shape-mismatch', reason: plan.reason }
    const whole = plan.dump.joined.length === 1 ? rows[0]! : Uint8Array.from(Buffer.concat(rows))
    const width = vocabSize ?? plan.dump.width
    side.shape = [1, width]
    if (width > plan.dump.width) {
      const reason = `vocabSize is ${vocabSize}, but the dump holds ${plan.dump.width} columns`
      return { side, notes: row.notes, kind: 'shape-mismatch', reason }
    }
    const cut = cutOf({ golden: NO_BYTES, dump: whole }, [dtype, width], [dtype, plan.dump.width], width)
    const bytes = whole.subarray(0, width * itemSize(dtype))
    return { side, notes: row.notes, kind: 'row', dtype, width, bytes, ...(vocabSize !== undefined && { cut }) }
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    return { side, notes: [], kind: 'unreadable', reason: error.message }
  } finally {
    for (const source of opened) source.close()
  }
}

const NO_BYTES = new Uint8Array(0)

function readPart(part: RowPart): Uint8Array {
  const bytes = new Uint8Array(part.width * itemSize(part.dtype))
  part.tensor.readRaw(part.start, part.width, bytes)
  return bytes
}
