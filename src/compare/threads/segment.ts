import type { DumpStep } from '../../dumps/types.js'
import type { List } from '../../lib/lazy-list.js'
import type { PairSettings } from '../measure-pair.js'
import type { KnownPair } from '../pair-measurer.js'
import type { RowForm } from '../rows/row-form.js'
import { filledMemory, type SegmentMemory } from './segment-memory.js'

/** One step that both sides hold. */
export interface WholePair {
  readonly golden: DumpStep
  readonly dump: DumpStep
}

/**
 * A run of pairs that several threads measure together. What says who may measure what is memory of its own for each
 * segment, so that a thread that comes late to an old one finds nothing to claim and disturbs none.
 */
export interface Segment {
  readonly id: number
  /** How many pairs there are. */
  readonly length: number
  /** The next pair to claim, and the number of reports so far, on which the main thread waits. */
  readonly control: Int32Array<SharedArrayBuffer>
  /** For each pair 1 once its row is written, and will not be touched again. */
  readonly written: Uint8Array<SharedArrayBuffer>
  readonly memory: SegmentMemory
  /** The forms a row may have, by their numbers. A pair of any other is reported as an object. */
  readonly forms: readonly RowForm[]
  readonly threads: number
  /** How many pairs may be claimed at a time. */
  readonly batch: number
  readonly settings: PairSettings
  /** Where the main thread found the rows of its last pair: workers need not find out themselves. */
  readonly known: KnownPair | undefined
}

/** Pairs from the first up to, but not including, the last. */
export interface Claim {
  readonly first: number
  readonly last: number
}

const NEXT = 0
const REPORTS = 1

/** @param memory what another segment has left, if all its workers are done with it */
export function makeSegment(
  pairs: List<WholePair>,
  memory: SegmentMemory | undefined,
  details: Pick<Segment, 'id' | 'forms' | 'threads' | 'batch' | 'settings' | 'known'>,
): Segment {
  return {
    ...details,
    length: pairs.length,
    control: new Int32Array(new SharedArrayBuffer(8)),
    written: new Uint8Array(new SharedArrayBuffer(pairs.length)),
    memory: filledMemory(pairs, memory),
  }
}

/** Takes the next pairs for this thread alone: fewer at a time towards the end, so that all threads end together. */
export function claim({ control, length, threads, batch }: Segment): Claim | undefined {
  const left = length - Atomics.load(control, NEXT)
  const size = Math.max(1, Math.min(batch, Math.floor(left / (4 * threads))))
  const first = Atomics.add(control, NEXT, size)
  return first < length ? { first, last: Math.min(first + size, length) } : undefined
}

/** Leaves nothing to claim. */
export function close({ control, length }: Segment): void {
  Atomics.store(control, NEXT, length)
}

export function noteWritten({ written }: Segment, index: number): void {
  Atomics.store(written, index, 1)
}

export function isWritten({ written }: Segment, index: number): boolean {
  return Atomics.load(written, index) === 1
}

/** Wakes the main thread, which looks at what has come and who is still at work. */
export function report({ control }: Segment): void {
  Atomics.add(control, REPORTS, 1)
  Atomics.notify(control, REPORTS)
}

export function reports({ control }: Segment): number {
  return Atomics.load(control, REPORTS)
}

/** Sleeps until there are more reports than were `seen`, at most so many milliseconds. False where none came. */
export function awaitReport({ control }: Segment, seen: number, milliseconds: number): boolean {
  return Atomics.wait(control, REPORTS, seen, milliseconds) !== 'timed-out'
}
