import type { MessagePort } from 'node:worker_threads'
import type { RowKernel } from '../../metrics/kernel.js'
import type { Outcome } from '../outcome.js'

/** What a worker does, in memory that it shares with the main thread, which cannot hear events while it compares. */
export const STATE = { starting: 0, idle: 1, busy: 2, left: 3, lost: 4 } as const

/** What a worker is started with. */
export interface WorkerStart {
  readonly port: MessagePort
  readonly state: Int32Array<SharedArrayBuffer>
  /** The main thread's kernel: another might round the last digit otherwise. */
  readonly kernel: RowKernel['name']
}

/** The outcomes that are no records of a known shape, each with its index in the batch, without the files of their sides. */
export interface Report {
  readonly batch: number
  readonly outcomes: readonly (readonly [index: number, outcome: Outcome])[]
}
