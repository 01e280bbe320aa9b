import { statSync } from 'node:fs'
import type { Dump } from '../dumps/types.js'
import { listOf } from '../lib/lazy-list.js'
import type { RowKernel } from '../metrics/kernel.js'
import type { Precision } from '../metrics/precision.js'
import { rowKernel } from '../metrics/row-kernel.js'
import { FilesSource } from './from-files.js'
import { KldSource } from './from-kld.js'
import { memorySource } from './from-memory.js'
import { measurePair } from './measure-pair.js'
import { Results } from './results.js'
import type { RowSource } from './row-source.js'
import type { PairList, WholePair } from './step-pair.js'
import { type Batch, type FilesSetting, makeBatch } from './threads/batch.js'
import type { BatchMemory } from './threads/batch-memory.js'
import { now } from './threads/clock.js'
import { measureBatch } from './threads/measure-batch.js'
import { type Helper, Pool } from './threads/pool.js'
import { threadCount } from './threads/thread-count.js'
import { workerFile } from './threads/worker-file.js'

export { MOST_THREADS } from './threads/thread-count.js'

/** Where the rows of both sides come from, and how they are compared. */
export interface MeasureSetting {
  readonly golden: RowSource
  readonly dump: RowSource
  readonly vocabSize: number | undefined
  /** The option `dtype`. */
  readonly precision?: Precision | undefined
  /** The option `threads`. */
  readonly threads: number | undefined
}

/**
 * Measures every pair that both sides have, one pair of rows in memory at a time on each thread. Uses as many threads as are
 * worth while and allowed; the outcomes do not depend on it.
 * @throws GoldenLogitsError `invalid-argument` for an environment variable that is not a number of threads
 */
export function measureAll(pairs: PairList, { golden, dump, vocabSize, precision, threads }: MeasureSetting): Results {
  const most = threadCount(threads)
  const kernel = rowKernel()
  const setting = { golden, dump, vocabSize, precision, kernel }
  const results = new Results(pairs)
  const measure = (index: number): void => {
    const pair = pairs.at(index) as WholePair
    results.put(index, measurePair(pair.golden, pair.dump, setting))
  }
  try {
    if (most > 1 && golden instanceof FilesSource && dump instanceof FilesSource) {
      const shared = () => ({ golden: settingOf(golden), dump: settingOf(dump), vocabSize, precision })
      measureOnThreads(pairs, results, measure, most, kernel, shared)
    } else for (const index of pairs.whole) measure(index)
  } finally {
    golden.releaseFiles?.()
    dump.releaseFiles?.()
  }
  return results
}

/** The rows of a dump, from its files or from memory. */
export function rowsOf({ layout, budgets, rows = {}, ranks }: Dump): RowSource {
  if (layout === 'memory') return memorySource(rows)
  if (layout === 'kld') return new KldSource(budgets)
  return new FilesSource(budgets, rows, rowKernel(), undefined, ranks)
}

function settingOf({ budgets, choice, layout, ranks }: FilesSource): FilesSetting {
  return { budgets, choice, layout, ranks }
}

/** At most this many pairs are written out for the workers at a time. */
const MOST_PAIRS = 2048

/** At most this many pair shapes are sent to the workers: there is hardly ever more than one. */
const MOST_SHAPES = 64

/** How much work there must be for each worker that has to be started, and for each that is there already. */
const WORTH_STARTING_MS = 40
const WORTH_ASKING_MS = 5

/** A pair that takes less is not worth the message about it. */
const WORTH_SHARING_MS = 0.03

/** A thread claims about this much work at a time, to synchronise rarely. */
const CLAIM_MS = 1
const MOST_CLAIMED = 32

/** With fewer pairs than these the measured time decides, not the size. */
const FEW = 100

/** At least this much of two files is read and measured in a millisecond. */
const BYTES_PER_MS = 2 ** 21

let pool: Pool | undefined
let batches = 0

/** Uses as many threads as the remaining work is worth, judged by the time that the pairs so far have taken. */
function measureOnThreads(
  pairs: PairList,
  results: Results,
  measure: (index: number) => void,
  threads: number,
  kernel: RowKernel,
  shared: () => Pick<Batch, 'golden' | 'dump' | 'vocabSize' | 'precision'>,
): void {
  const { whole } = pairs
  let done = 0
  const alone = (count: number): void => {
    for (const end = Math.min(done + count, whole.length); done < end; done++) measure(whole.at(done)!)
  }
  // A worker takes as long to start as many a pair takes to measure: start early if the files are large.
  let milliseconds = whole.length < FEW ? 0 : expectedTime(pairs.at(whole.at(1)!) as WholePair)
  recruit(whole.length, milliseconds, threads, kernel)
  // Not part of the estimate: the kernel is compiled with it.
  alone(1)
  let atOnce = 2
  let memory: BatchMemory | undefined
  while (done < whole.length) {
    const [before, started] = [done, now()]
    const helpers = recruit(whole.length - before, milliseconds, threads, kernel)
    if (helpers.length > 0) {
      const count = Math.min(MOST_PAIRS, whole.length - before)
      const indexes = Int32Array.from({ length: count }, (_, i) => whole.at(before + i)!)
      const details = {
        id: ++batches,
        shapes: results.shapes.first(MOST_SHAPES),
        threads: helpers.length + 1,
        mostClaimed: Math.min(Math.ceil(CLAIM_MS / milliseconds), MOST_CLAIMED),
        ...shared(),
      }
      const batch = makeBatch(
        listOf(indexes.length, (i) => pairs.at(indexes[i]!) as WholePair),
        memory,
        details,
      )
      measureBatch(batch, indexes, helpers, results, measure)
      // A worker that was given up may still write.
      memory = helpers.every((helper) => helper.isAlive) ? batch.memory : undefined
      done += indexes.length
    } else {
      atOnce *= 2
      alone(atOnce)
    }
    milliseconds = ((now() - started) * (helpers.length + 1)) / (done - before)
  }
}

/** The least time of a pair, by the size of its files: more than is read of a prompt's, but not of others. */
function expectedTime({ golden, dump }: WholePair): number {
  const sizes = [...golden.files, ...dump.files].map(sizeOf)
  return sizes.reduce((sum, size) => sum + size, 0) / BYTES_PER_MS
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    // Opening it will report what is wrong with it.
    return 0
  }
}

/** The workers that are worth while for this many pairs of this many milliseconds each. */
function recruit(left: number, milliseconds: number, threads: number, kernel: RowKernel): readonly Helper[] {
  if (milliseconds < WORTH_SHARING_MS) return []
  pool ??= openPool(kernel)
  const work = left * milliseconds
  const there = Math.min(pool?.size ?? 0, Math.floor(work / WORTH_ASKING_MS))
  const count = Math.min(threads - 1, Math.max(there, Math.floor(work / WORTH_STARTING_MS)))
  return pool && count > 0 ? pool.take(count) : []
}

function openPool(kernel: RowKernel): Pool | undefined {
  const file = workerFile()
  return file === undefined ? undefined : new Pool(file, kernel.name)
}
