import type { Dump } from '../dumps/types.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { keysOfRows, type OptionalKey } from '../metrics/optional/table.js'
import { rowKernel } from '../metrics/row-kernel.js'
import { ANSWERS_SOURCE } from './from-answers.js'
import { FilesSource } from './from-files.js'
import { KldSource } from './from-kld.js'
import { LlamaDebugSource } from './from-llama-debug.js'
import { memorySource } from './from-memory.js'
import { measurePair, type PairSetting } from './measure-pair.js'
import type { Outcome } from './outcome.js'
import { Progress } from './progress.js'
import { Results } from './results.js'
import type { RowSource } from './row-source.js'
import type { PairList, WholePair } from './step-pair.js'
import { type Batch, isWritten, makeBatch } from './threads/batch.js'
import type { BatchMemory } from './threads/batch-memory.js'
import { readingTime } from './threads/reading-time.js'
import { type Job, runOnThreads } from './threads/schedule.js'
import { shareWork } from './threads/share-work.js'
import { threadCount } from './threads/thread-count.js'

export { MOST_THREADS } from './threads/thread-count.js'

/** Where the rows of both sides come from, and how they are compared. */
interface MeasureSetting extends Omit<PairSetting, 'keys' | 'kernel'> {
  /** The optional metrics that are asked for. */
  readonly metrics: readonly OptionalKey[]
  /** The option `threads`. */
  readonly threads: number | undefined
}

/**
 * Measures every pair that both sides have, one pair of rows in memory at a time on each thread. Uses as many threads as are
 * worth while and allowed; the outcomes do not depend on it.
 * @throws GoldenLogitsError `invalid-argument` for an environment variable that is not a number of threads
 */
export function measureAll(
  pairs: PairList,
  { golden, dump, vocabSize, precision, metrics, threads }: MeasureSetting,
): Results {
  const most = threadCount(threads)
  const kernel = rowKernel()
  const keys = keysOfRows(metrics)
  const setting = { golden, dump, vocabSize, precision, keys, kernel }
  const results = new Results(pairs, keys)
  const progress = new Progress(pairs.length, 'compared')
  const measure = (index: number): void => {
    const pair = pairs.at(index) as WholePair
    results.put(index, measurePair(pair.golden, pair.dump, setting))
    // Threads claim pairs in order, so all before this one are about done.
    progress.at(index + 1)
  }
  try {
    const share = most > 1 && dump instanceof FilesSource ? shareOf(golden) : undefined
    if (share) runOnThreads(pairJob(pairs, results, measure, share, setting, dump as FilesSource), most)
    else for (const index of pairs.whole) measure(index)
  } finally {
    golden.releaseFiles?.()
    dump.releaseFiles?.()
  }
  return results
}

/** The rows of a dump, from its files or from memory. */
export function rowsOf({ layout, budgets, rows = {}, ranks }: Dump): RowSource {
  if (layout === 'memory' || layout === 'maxtext') return memorySource(rows)
  if (layout === 'answers') return ANSWERS_SOURCE
  if (layout === 'llama-debug') return new LlamaDebugSource(budgets)
  if (layout === 'kld') return new KldSource(budgets)
  return new FilesSource({ budgets, choice: rows, ranks }, rowKernel())
}

/** How workers get the golden's rows. */
interface GoldenShare {
  readonly program: string
  /** What they need for these pairs. */
  of(pairs: List<WholePair>): Batch['golden']
}

function shareOf(golden: RowSource): GoldenShare | undefined {
  if (golden instanceof FilesSource) return { program: 'measure/threads/worker', of: () => golden.setting }
  const { sent } = golden
  return sent && { program: sent.program, of: (pairs) => Array.from(pairs, (pair) => sent.rowOf(pair.golden)) }
}

/** At most this many pairs are written out for the workers at a time. */
const MOST_PAIRS = 2048

/** At most this many pair shapes are sent to the workers: there is hardly ever more than one. */
const MOST_SHAPES = 64

function pairJob(
  pairs: PairList,
  results: Results,
  measure: (index: number) => void,
  golden: GoldenShare,
  { vocabSize, precision, keys = [] }: PairSetting,
  dump: FilesSource,
): Job {
  const { whole } = pairs
  let memory: BatchMemory | undefined
  return {
    length: whole.length,
    program: golden.program,
    mostShared: MOST_PAIRS,
    expected() {
      const { golden, dump } = pairs.at(whole.at(1)!) as WholePair
      return readingTime([...golden.files, ...dump.files])
    },
    alone: (item) => measure(whole.at(item)!),
    together(first, count, helpers, terms) {
      const indexes = Int32Array.from({ length: count }, (_, i) => whole.at(first + i)!)
      const some = listOf(count, (i) => pairs.at(indexes[i]!) as WholePair)
      const shapes = results.shapes.first(MOST_SHAPES)
      const details = { shapes, golden: golden.of(some), dump: dump.setting, vocabSize, precision, keys }
      const batch = makeBatch(some, memory, terms, details)
      shareWork<Outcome>(batch, helpers, {
        has: (item) => results.has(indexes[item]!),
        put: (item, outcome) => results.put(indexes[item]!, outcome),
        collect(item) {
          if (isWritten(batch, item)) results.putRecord(indexes[item]!, batch.memory.records, item)
          return results.has(indexes[item]!)
        },
        make: (item) => measure(indexes[item]!),
      })
      // A worker that was given up may still write.
      memory = helpers.every((helper) => helper.isAlive) ? batch.memory : undefined
    },
  }
}
