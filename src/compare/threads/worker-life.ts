import type { MessagePort } from 'node:worker_threads'
import type { RowKernel } from '../../metrics/kernel.js'
import type { PairOutcome } from '../measure-pair.js'

/** What a worker is at, in memory that it shares with the main thread, which cannot hear events while it compares. */
export const LIFE = { starting: 0, idle: 1, busy: 2, left: 3, lost: 4 } as const

/** What a worker is started with. */
export interface WorkerStart {
  readonly port: MessagePort
  readonly life: Int32Array<SharedArrayBuffer>
  /** The main thread's kernel: another might round the last digit otherwise. */
  readonly kernel: RowKernel['name']
}

/** The outcomes that are no rows of known form, each with its place in the segment, without the files of their sides. */
export interface Report {
  readonly segment: number
  readonly outcomes: readonly (readonly [index: number, outcome: PairOutcome])[]
}
