import type { DumpStep } from '../dumps/types.js'
import type { List } from '../lib/lazy-list.js'

/** One step on both sides, or on one of them. */
export interface StepPair {
  readonly step: number
  /** Which position of the step, if it has several and each is a separate pair. */
  readonly position?: number
  readonly golden?: DumpStep
  readonly dump?: DumpStep
}

/** A step that both sides have. */
export type WholePair = Required<Pick<StepPair, 'golden' | 'dump'>>

/** Pairs in ascending order of their steps, made each time they are asked for. */
export interface PairList extends List<StepPair> {
  /** The indexes of those that both sides have. */
  readonly whole: List<number>
}
