import type { RowChoice } from '../../dumps/locate-row.js'
import type { RankReading } from '../../dumps/types.js'
import type { Budgets } from '../../io/budgets.js'
import type { List } from '../../lib/lazy-list.js'
import type { Precision } from '../../metrics/precision.js'
import type { RowLayout } from '../from-files.js'
import type { PairShape } from '../pair-shape.js'
import type { WholePair } from '../step-pair.js'
import { type BatchMemory, filledMemory } from './batch-memory.js'

/** What a worker needs to make a source of files as the main thread has it. */
export interface FilesSetting {
  readonly budgets: Partial<Budgets>
  readonly choice: RowChoice
  readonly ranks: RankReading | undefined
  /** What the main thread has learnt: workers need not learn it themselves. */
  readonly layout: RowLayout | undefined
}

/**
 * Pairs that several threads measure together. Which thread may measure which pair is decided in memory of this batch alone,
 * so that a thread that comes late to an old batch finds nothing to claim and disturbs none.
 */
export interface Batch {
  readonly id: number
  /** Number of pairs. */
  readonly length: number
  /** The next pair to claim, and the number of reports so far, on which the main thread waits. */
  readonly control: Int32Array<SharedArrayBuffer>
  /** For each pair 1 once its record is written, and will not be touched again. */
  readonly written: Uint8Array<SharedArrayBuffer>
  readonly memory: BatchMemory
  /** The shapes a record may have, by their numbers. A pair of any other shape is reported as an object. */
  readonly shapes: readonly PairShape[]
  readonly threads: number
  /** How many pairs may be claimed at a time. */
  readonly mostClaimed: number
  readonly golden: FilesSetting
  readonly dump: FilesSetting
  readonly vocabSize: number | undefined
  /** The option `dtype`. */
  readonly precision: Precision | undefined
}

/** Pairs from `first` up to, but not including, `last`. */
export interface Claim {
  readonly first: number
  readonly last: number
}

const NEXT = 0
const REPORTS = 1

/** @param memory that of an earlier batch, if all its workers are done with it */
export function makeBatch(
  pairs: List<WholePair>,
  memory: BatchMemory | undefined,
  details: Omit<Batch, 'length' | 'control' | 'written' | 'memory'>,
): Batch {
  return {
    ...details,
    length: pairs.length,
    control: new Int32Array(new SharedArrayBuffer(8)),
    written: new Uint8Array(new SharedArrayBuffer(pairs.length)),
    memory: filledMemory(pairs, memory),
  }
}

/** Takes the next pairs for this thread alone: fewer at a time towards the end, so that all threads end together. */
export function claim({ control, length, threads, mostClaimed }: Batch): Claim | undefined {
  const left = length - Atomics.load(control, NEXT)
  const size = Math.max(1, Math.min(mostClaimed, Math.floor(left / (4 * threads))))
  const first = Atomics.add(control, NEXT, size)
  return first < length ? { first, last: Math.min(first + size, length) } : undefined
}

/** Leaves nothing to claim. */
export function close({ control, length }: Batch): void {
  Atomics.store(control, NEXT, length)
}

export function noteWritten({ written }: Batch, index: number): void {
  Atomics.store(written, index, 1)
}

export function isWritten({ written }: Batch, index: number): boolean {
  return Atomics.load(written, index) === 1
}

/** Wakes the main thread, which looks at what has come and which workers are still busy. */
export function report({ control }: Batch): void {
  Atomics.add(control, REPORTS, 1)
  Atomics.notify(control, REPORTS)
}

export function reports({ control }: Batch): number {
  return Atomics.load(control, REPORTS)
}

/** Sleeps until there are more reports than `seen`, at most that many milliseconds. @returns false if none came */
export function awaitReport({ control }: Batch, seen: number, milliseconds: number): boolean {
  return Atomics.wait(control, REPORTS, seen, milliseconds) !== 'timed-out'
}
