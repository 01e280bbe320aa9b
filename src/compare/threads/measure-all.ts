import { statSync } from 'node:fs'
import { listOf } from '../../lib/lazy-list.js'
import type { RowKernel } from '../../metrics/kernel.js'
import type { PairSettings } from '../measure-pair.js'
import { PairMeasurer } from '../pair-measurer.js'
import { OutcomeTable } from '../rows/outcome-table.js'
import type { PairList } from '../step-pairs.js'
import { now } from './clock.js'
import { measureSegment } from './measure-segment.js'
import { type Helper, Pool } from './pool.js'
import { makeSegment, type WholePair } from './segment.js'
import type { SegmentMemory } from './segment-memory.js'
import { workerFile } from './worker-file.js'

/** So many pairs are written out for the workers at a time. */
const SEGMENT = 2048

/** So many forms of rows are told to the workers: there is hardly ever more than one. */
const MOST_FORMS = 64

/** How much work there must be for each worker that has to be started, and for each that is there already. */
const WORTH_STARTING_MS = 40
const WORTH_ASKING_MS = 5

/** A pair that takes less is not worth the message about it. */
const WORTH_SHARING_MS = 0.03

/** A thread claims about so much work at a time: not to talk about each small pair. */
const CLAIM_MS = 1
const MOST_CLAIMED = 32

/** Of fewer pairs than these the time tells, not the size. */
const FEW = 100

/** So much of two files is read and measured in a millisecond, or more. */
const BYTES_PER_MS = 2 ** 21

let pool: Pool | undefined
let segments = 0

/**
 * Measures every pair that both sides hold, on up to so many threads where they are worth while: as many as the work that is
 * left takes, judged by the time that the pairs so far have taken. The outcomes do not depend on it.
 */
export function measureAll(pairs: PairList, settings: PairSettings, kernel: RowKernel, threads: number): OutcomeTable {
  const table = new OutcomeTable(pairs)
  const measurer = new PairMeasurer(settings, kernel)
  const { whole } = pairs
  let done = 0
  const measure = (index: number): void => {
    const { golden, dump } = pairs.at(index) as WholePair
    table.put(index, measurer.measure(golden, dump))
  }
  const alone = (count: number): void => {
    for (const end = Math.min(done + count, whole.length); done < end; done++) measure(whole.at(done)!)
  }
  if (threads === 1) {
    alone(whole.length)
    return table
  }
  // Workers take as long to start as many a pair to measure: files so large that they will be worth while tell at once.
  let milliseconds = whole.length < FEW ? 0 : expectedTime(pairs.at(whole.at(1)!) as WholePair)
  recruit(whole.length, milliseconds, threads, kernel)
  // Not part of the estimate: the kernel is compiled with it.
  alone(1)
  let atOnce = 2
  let memory: SegmentMemory | undefined
  while (done < whole.length) {
    const [before, started] = [done, now()]
    const helpers = recruit(whole.length - before, milliseconds, threads, kernel)
    if (helpers.length > 0) {
      const count = Math.min(SEGMENT, whole.length - before)
      const indexes = Int32Array.from({ length: count }, (_, i) => whole.at(before + i)!)
      const details = {
        id: ++segments,
        forms: table.forms.first(MOST_FORMS),
        threads: helpers.length + 1,
        batch: Math.min(Math.ceil(CLAIM_MS / milliseconds), MOST_CLAIMED),
        settings,
        known: measurer.known,
      }
      const some = listOf(indexes.length, (i) => pairs.at(indexes[i]!) as WholePair)
      const segment = makeSegment(some, memory, details)
      measureSegment(segment, indexes, helpers, table, measure)
      // A worker that was given up may still write.
      memory = helpers.every((helper) => helper.isAlive) ? segment.memory : undefined
      done += indexes.length
    } else {
      atOnce *= 2
      alone(atOnce)
    }
    milliseconds = ((now() - started) * (helpers.length + 1)) / (done - before)
  }
  return table
}

/** What a pair takes at least, by the size of its files: a prompt's are larger than what is read of them, others' are not. */
function expectedTime({ golden, dump }: WholePair): number {
  const sizes = [...golden.files, ...dump.files].map(sizeOf)
  return sizes.reduce((sum, size) => sum + size, 0) / BYTES_PER_MS
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    // What is wrong with it is said when it is opened.
    return 0
  }
}

/** The workers that are worth while for so many pairs of so many milliseconds each. */
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
