import type { CompareSettings } from '../compare/options.js'
import { undecidedSteps } from '../compare/positions.js'
import type { Dump, DumpStep } from '../dumps/types.js'
import { type FilesSetting, FilesSource } from '../measure/from-files.js'
import { rowsOf } from '../measure/measure-all.js'
import { Progress } from '../measure/progress.js'
import { readingTime } from '../measure/threads/reading-time.js'
import { type Job, runOnThreads } from '../measure/threads/schedule.js'
import { shareWork } from '../measure/threads/share-work.js'
import { threadCount } from '../measure/threads/thread-count.js'
import { makeWork, type SharedWork } from '../measure/threads/work.js'
import { SNAPSHOT_WORKER } from './from-snapshot.js'
import { NpzWriter } from './npz.js'
import { RowMemory, type RowSettings, type StoredRow, storeRow } from './store-row.js'
import type { Fidelity, Snapshot, SnapshotToken, SourceFile } from './types.js'

/** Readers accept no more. */
const MAX_TOKENS = 50_000
/** The limit of a zip file without the extensions for larger ones, minus room for its directory. */
const MAX_NPZ = 4 * 2 ** 30 - 2 ** 24

export interface StoreSettings {
  readonly fidelity: Fidelity
  /** Number of vocab ids that a compact snapshot lists for each row. */
  readonly k: number
  readonly compare: CompareSettings
}

export type StoredRows = Pick<Snapshot, 'tokens' | 'sources'>

/** The first step that cannot be stored. */
export interface Refusal {
  step: number
  reason: string
}

/** Rows that several threads store together. */
export interface RowWork extends SharedWork {
  readonly steps: readonly DumpStep[]
  readonly files: FilesSetting
  readonly settings: RowSettings
}

/** At most this many rows are shared at a time: those after one that is refused are made for nothing. */
const MOST_SHARED = 256

/**
 * The rows of a dump as a snapshot stores them: the rows of a full one go to its `.npz` file, one after the other. Compact rows
 * are made on as many threads as comparisons use, and are the same on any number of them.
 * @param descriptor the open `.npz` file; undefined for a compact snapshot
 */
export function storeRows(dump: Dump, settings: StoreSettings, descriptor: number | undefined): StoredRows | Refusal {
  const { compare, fidelity, k } = settings
  const steps = [...dump.steps].filter(({ step }) => compare.wants(step))
  const beyond = steps[MAX_TOKENS]
  if (beyond) return { step: beyond.step, reason: `a snapshot can have at most ${MAX_TOKENS} tokens; set fewer steps` }
  const { vocabSize, precision, limits } = compare
  const rowSettings: RowSettings = { vocabSize, precision, limits, fidelity, k, budgets: dump.budgets }
  const rows = rowsOf(dump)
  const kept = new KeptRows(descriptor)
  const memory = new RowMemory()
  const progress = new Progress(steps.length, 'stored')
  const make = (index: number): StoredRow => {
    const row = storeRow(steps[index]!, rows, rowSettings, memory)
    // Threads claim steps in order, so all before this one are about done.
    progress.at(index + 1)
    return row
  }
  const threads = fidelity === 'compact' && rows instanceof FilesSource ? threadCount(compare.threads) : 1
  if (threads > 1) runOnThreads(storeJob(steps, kept, make, rows as FilesSource, rowSettings), threads)
  else for (const index of steps.keys()) if (!kept.refusal) kept.add(steps[index]!, make(index))
  if (kept.refusal) return kept.refusal
  const [undecided] = undecidedSteps('dump', dump, rows, kept.shapes)
  if (undecided) return { step: undecided[0], reason: undecided[1] }
  kept.finish()
  return { tokens: kept.tokens, sources: kept.sources }
}

function storeJob(
  steps: readonly DumpStep[],
  kept: KeptRows,
  make: (index: number) => StoredRow,
  rows: FilesSource,
  settings: RowSettings,
): Job {
  return {
    length: steps.length,
    program: SNAPSHOT_WORKER,
    mostShared: MOST_SHARED,
    expected: () => readingTime(steps[1]!.files),
    alone(item) {
      if (!kept.refusal) kept.add(steps[item]!, make(item))
    },
    together(first, count, helpers, terms) {
      if (kept.refusal) return
      const some = steps.slice(first, first + count)
      const work: RowWork = { ...makeWork(count, terms), steps: some, files: rows.setting, settings }
      const results: StoredRow[] = []
      let refused = count
      const put = (item: number, row: StoredRow): void => {
        results[item] = row
        if (row.kind === 'refused') refused = Math.min(refused, item)
      }
      shareWork(work, helpers, {
        // As by one thread, no row after one that is refused counts.
        has: (item) => item > refused || results[item] !== undefined,
        put,
        make(item) {
          if (item < refused) put(item, make(first + item))
        },
      })
      for (let item = 0; item < count && !kept.refusal; item++) kept.add(some[item]!, results[item]!)
    },
  }
}

/** The stored rows of the steps so far, until one is refused. */
class KeptRows {
  refusal: Refusal | undefined
  readonly tokens: SnapshotToken[] = []
  readonly sources: SourceFile[] = []
  readonly shapes: { step: number; shape: readonly number[] }[] = []
  private readonly npz: NpzWriter | undefined

  constructor(descriptor: number | undefined) {
    this.npz = descriptor === undefined ? undefined : new NpzWriter(descriptor)
  }

  add({ step }: DumpStep, row: StoredRow): void {
    if (row.kind === 'refused') {
      this.refusal = { step, reason: row.reason }
      return
    }
    const { token, sources, fileShape, bytes } = row
    this.shapes.push({ step, shape: fileShape })
    this.tokens.push(token)
    this.sources.push(...sources)
    if (!this.npz || !bytes) return
    this.npz.add(step, token.dtype, token.width, bytes)
    if (this.npz.size <= MAX_NPZ) return
    const reason = `the rows up to here need more than the ${MAX_NPZ} bytes of one archive; set fewer steps, or fidelity: 'compact'`
    this.refusal = { step, reason }
  }

  finish(): void {
    this.npz?.finish()
  }
}
