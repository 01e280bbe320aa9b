import type { List } from '../../lib/lazy-list.js'
import type { FilesSetting } from '../from-files.js'
import type { PairSetting } from '../measure-pair.js'
import type { PairShape } from '../pair-shape.js'
import type { WholePair } from '../step-pair.js'
import { type BatchMemory, filledMemory } from './batch-memory.js'
import { makeWork, type SharedWork, type WorkTerms } from './work.js'

/** Pairs that several threads measure together. */
export interface Batch extends SharedWork, Pick<PairSetting, 'vocabSize' | 'precision' | 'keys'> {
  /** For each pair 1 once its record is written, and will not be touched again. */
  readonly written: Uint8Array<SharedArrayBuffer>
  readonly memory: BatchMemory
  /** The shapes a record may have, by their numbers. A pair of any other shape is reported as an object. */
  readonly shapes: readonly PairShape[]
  /** Files, or of each pair what the program of the worker makes the golden's row of. */
  readonly golden: FilesSetting | readonly unknown[]
  readonly dump: FilesSetting
}

/** @param memory that of an earlier batch, if all its workers are done with it */
export function makeBatch(
  pairs: List<WholePair>,
  memory: BatchMemory | undefined,
  terms: WorkTerms,
  details: Omit<Batch, keyof SharedWork | 'written' | 'memory'>,
): Batch {
  return {
    ...makeWork(pairs.length, terms),
    ...details,
    written: new Uint8Array(new SharedArrayBuffer(pairs.length)),
    memory: filledMemory(pairs, memory, details.keys),
  }
}

export function noteWritten({ written }: Batch, index: number): void {
  Atomics.store(written, index, 1)
}

export function isWritten({ written }: Batch, index: number): boolean {
  return Atomics.load(written, index) === 1
}
