import { ReusedBytes } from '../lib/reused-bytes.js'
import { FilesSource } from '../measure/from-files.js'
import type { Outcome } from '../measure/outcome.js'
import type { RowSource } from '../measure/row-source.js'
import type { Batch } from '../measure/threads/batch.js'
import { pairWorker } from '../measure/threads/pair-worker.js'
import { type Maker, serve } from '../measure/threads/serve.js'
import { rowKernel } from '../metrics/row-kernel.js'
import { compactRow } from './from-compact.js'
import { RowMemory, type StoredRow, storeRow } from './store-row.js'
import type { RowWork } from './store-rows.js'
import type { SnapshotToken } from './types.js'

// The program of a worker thread that writes compact rows, or checks rows against them.
serve<Batch | RowWork, Outcome | StoredRow>((work) =>
  'steps' in work ? rowWorker(work) : pairWorker(work, rowKernel(), compactRows(work.golden as SnapshotToken[])),
)

/** The rows of a batch, by the index of the pair. */
function compactRows(tokens: readonly SnapshotToken[]): RowSource {
  const memory = new ReusedBytes()
  return { prepare: ({ step, files }) => compactRow(tokens[step]!, tokens[step]!.compact!, files[0]!, memory) }
}

function rowWorker({ steps, files, settings }: RowWork): Maker<StoredRow> {
  const rows = new FilesSource(files, rowKernel())
  const memory = new RowMemory()
  return { make: (item) => storeRow(steps[item]!, rows, settings, memory), end: () => rows.releaseFiles() }
}
