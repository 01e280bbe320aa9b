import type { Dump, DumpStep } from '../dumps/types.js'
import { ReusedBytes } from '../lib/reused-bytes.js'
import { type Prepared, type RowSource, rowPart, type SentRows } from '../measure/row-source.js'
import { scanRow } from '../metrics/row-scan.js'
import { widened } from '../tensor/widen.js'
import { rowDigest } from './digests.js'
import { compactRow } from './from-compact.js'
import { NpzReader } from './npz.js'
import { badSnapshot, dataPath, type Snapshot, type SnapshotToken } from './types.js'

/** The program of the worker threads that know compact rows. */
export const SNAPSHOT_WORKER = 'snapshots/worker'

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
  private readonly memory = new ReusedBytes()

  /** @throws GoldenLogitsError what `NpzReader` throws */
  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot
    this.tokens = new Map(snapshot.tokens.map((token) => [token.step, token]))
    this.npz = snapshot.fidelity === 'full' ? new NpzReader(dataPath(snapshot.path), snapshot.tokens) : undefined
  }

  /** The compact rows; the others lie in a file that this source keeps open. */
  get sent(): SentRows | undefined {
    if (this.snapshot.fidelity === 'full') return undefined
    return { program: SNAPSHOT_WORKER, rowOf: ({ step }) => this.tokens.get(step)! }
  }

  prepare({ step, files }: DumpStep): Prepared {
    const token = this.tokens.get(step)!
    const { dtype, width, compact } = token
    if (compact) return compactRow(token, compact, files[0]!, this.memory)
    const part = rowPart(files[0]!, dtype, width, (into) => into.set(this.rowOf(token)))
    const facts = { dtype, fileShape: [1, width], notes: [], parts: [part] }
    return { kind: 'row', ...facts, assumed: false, close: () => undefined }
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
