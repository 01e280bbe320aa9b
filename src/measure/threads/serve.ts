import { workerData } from 'node:worker_threads'
import { claim, report, type SharedWork } from './work.js'
import { type Report, STATE, type WorkerStart } from './worker-state.js'

/** A worker that nobody needs any more ends by itself: a runner may have forgotten the module that started it. */
const IDLE_MS = 5000

/** What a worker does with the items of one work. */
export interface Maker<Result> {
  /** @returns undefined if there is nothing to report, or if the main thread is to make the item */
  make(item: number): Result | undefined
  end(): void
}

/** The life of a worker thread: it waits for work, and helps with each until nothing is left to claim. */
export function serve<Work extends SharedWork, Result>(begin: (work: Work) => Maker<Result>): void {
  const { port, state } = workerData as WorkerStart
  let current: Work | undefined
  const patience = setTimeout(() => {
    Atomics.store(state, 0, STATE.left)
    port.close()
  }, IDLE_MS)

  process.on('exit', () => {
    if (Atomics.load(state, 0) !== STATE.left) Atomics.store(state, 0, STATE.lost)
    if (current) report(current)
  })

  port.on('message', (work: Work) => {
    current = work
    help(work)
    current = undefined
    patience.refresh()
  })
  Atomics.store(state, 0, STATE.idle)

  function help(work: Work): void {
    Atomics.store(state, 0, STATE.busy)
    const maker = begin(work)
    for (let claimed = claim(work); claimed; claimed = claim(work)) {
      const results: [number, Result][] = []
      for (let item = claimed.first; item < claimed.last; item++) {
        const result = attempt(maker, item)
        if (result !== undefined) results.push([item, result])
      }
      if (results.length > 0) port.postMessage({ work: work.id, results } satisfies Report<Result>)
      report(work)
    }
    maker.end()
    Atomics.store(state, 0, STATE.idle)
    report(work)
  }
}

/** An error leaves the item to the main thread: it is to meet the error itself, as if it were alone. */
function attempt<Result>(maker: Maker<Result>, item: number): Result | undefined {
  try {
    return maker.make(item)
  } catch {
    return undefined
  }
}
