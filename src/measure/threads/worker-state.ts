import type { MessagePort } from 'node:worker_threads'

/** What a worker does, in memory that it shares with the main thread, which cannot hear events while it compares. */
export const STATE = { starting: 0, idle: 1, busy: 2, left: 3, lost: 4 } as const

/** What a worker is started with. */
export interface WorkerStart {
  readonly port: MessagePort
  readonly state: Int32Array<SharedArrayBuffer>
}

/** The results of some items of the work with this id. */
export interface Report<Result> {
  readonly work: number
  readonly results: readonly (readonly [item: number, result: Result])[]
}
