import type { Dump, DumpStep } from '../dumps/types.js'
import type { BoundedRows } from '../measure/outcome.js'
import type { Prepared, RowSource } from '../measure/row-source.js'
import { compareRows } from '../metrics/compare-rows.js'
import { countNonFinite, hasNonFinite, scanRow } from '../metrics/row-scan.js'
import type { RowComparison } from '../metrics/types.js'
import { itemSize } from '../tensor/dtype.js'
import { widened } from '../tensor/widen.js'
import { boundCompact } from './compact/bound.js'
import { type CompactRow, ROOT_STEP } from './compact/types.js'
import { rowDigest } from './digests.js'
import { NpzReader } from './npz.js'
import { badSnapshot, dataPath, type Snapshot, type SnapshotToken } from './types.js'

/** A snapshot as the golden side of a comparison. */
export function snapshotDump(snapshot: Snapshot): Dump {
  const { path, fidelity, tokens } = snapshot
  const file = fidelity === 'full' ? dataPath(path) : path
  return {
    path,
    layout: 'file',
    named: 'folder',
    steps: tokens.map(({ step, layer }) => ({ step, files: [file], layer })),
    notes: [],
    ignored: [],
    stepsAssumed: false,
    budgets: {},
  }
}

/** The rows of a snapshot: all logits of a full one, bounds of the metrics of a compact one. Keeps a file open until `close`. */
export class SnapshotSource implements RowSource {
  /** Why a row could not be read. The snapshot is at fault then, not the token. */
  failure: unknown
  private readonly snapshot: Snapshot
  private readonly tokens: ReadonlyMap<number, SnapshotToken>
  private readonly npz: NpzReader | undefined

  /** @throws GoldenLogitsError what `NpzReader` throws */
  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot
    this.tokens = new Map(snapshot.tokens.map((token) => [token.step, token]))
    this.npz = snapshot.fidelity === 'full' ? new NpzReader(dataPath(snapshot.path), snapshot.tokens) : undefined
  }

  prepare({ step, files }: DumpStep): Prepared {
    const token = this.tokens.get(step)!
    const { dtype, width, compact } = token
    const part = { file: files[0]!, dtype, width }
    const facts = { dtype, fileShape: [1, width], notes: [] }
    if (compact) {
      const compare = (row: Float32Array) => compareCompact(compact, token, row)
      return { kind: 'partial', ...facts, parts: [part], compare }
    }
    const read = (into: Uint8Array) => {
      into.set(this.rowOf(token))
      return 0
    }
    const parts = [{ ...part, room: width * itemSize(dtype), read }]
    return { kind: 'row', ...facts, parts, assumed: false, close: () => undefined }
  }

  close(): void {
    this.npz?.close()
  }

  private rowOf({ step, dtype, width, digest, top1, top1Logit }: SnapshotToken): Uint8Array {
    try {
      const bytes = this.npz!.row(step, dtype, width)
      const row = widened(bytes, dtype, width)
      const scan = scanRow(row, width)
      if (rowDigest(row) !== digest) {
        const message = `the row of token ${step} in its .npz file is not the one that was written with it`
        throw badSnapshot(this.snapshot.path, message)
      }
      if (scan.top1 !== top1 || scan.top1Logit !== top1Logit) {
        throw badSnapshot(this.snapshot.path, `the line of token ${step} does not agree with its row in the .npz file`)
      }
      return bytes
    } catch (error) {
      this.failure ??= error
      throw error
    }
  }
}

/** Bounds the metrics of a row, given the compact form of the golden's; measures them if both rows are the same. */
function compareCompact(compact: CompactRow, token: SnapshotToken, row: Float32Array): RowComparison | BoundedRows {
  const scan = scanRow(row, row.length)
  if (hasNonFinite(scan)) {
    const golden = { nan: 0, positiveInfinity: 0, firstVocabId: -1 }
    return { kind: 'non-finite', golden, dump: countNonFinite(row, row.length) }
  }
  if (scan.max === Number.NEGATIVE_INFINITY) return { kind: 'no-support', side: 'dump' }
  if (rowDigest(row) === token.digest) return compareRows(row, row, row.length)
  const { top1, top1Logit } = token
  const logit = listedLogit(compact, scan.top1)
  return {
    kind: 'bounded',
    bounds: boundCompact(compact, row),
    golden: { top1, top1Logit, ...(logit !== undefined && { logitAtOtherTop1: logit }) },
    dump: { ...scan, logitAtOtherTop1: row[top1]! },
  }
}

/** A logit that the compact row lists, to a thousandth if it is among the highest. */
function listedLogit({ ids, roots, logSumExp }: CompactRow, vocabId: number): number | undefined {
  const at = ids.indexOf(vocabId)
  return at < 0 ? undefined : 2 * Math.log(roots[at]! * ROOT_STEP) + logSumExp
}
