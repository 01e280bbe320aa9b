import { workerData } from 'node:worker_threads'
import { createKernel } from '../../metrics/row-kernel.js'
import { measurePair, type PairOutcome } from '../measure-pair.js'
import { claim, pairAt, report, type Segment } from './segment.js'
import { LIFE, type Report, type WorkerStart } from './worker-life.js'

// The whole program of a worker thread: it waits for segments, and helps with each until nothing is left to claim.

/** A worker that nobody needs any more ends by itself: a runner may have forgotten the module that started it. */
const IDLE_MS = 5000

const { port, life, kernel: name } = workerData as WorkerStart
const kernel = createKernel(name)
let current: Segment | undefined

const patience = setTimeout(() => {
  Atomics.store(life, 0, LIFE.left)
  port.close()
}, IDLE_MS)

process.on('exit', () => {
  if (Atomics.load(life, 0) !== LIFE.left) Atomics.store(life, 0, LIFE.lost)
  if (current) report(current)
})

port.on('message', (segment: Segment) => {
  current = segment
  help(segment)
  current = undefined
  patience.refresh()
})
Atomics.store(life, 0, LIFE.idle)

function help(segment: Segment): void {
  Atomics.store(life, 0, LIFE.busy)
  for (let claimed = claim(segment); claimed; claimed = claim(segment)) {
    const outcomes: (PairOutcome | undefined)[] = []
    for (let i = claimed.first; i < claimed.last; i++) outcomes.push(measured(segment, i))
    port.postMessage({ segment: segment.id, first: claimed.first, outcomes } satisfies Report)
    report(segment)
  }
  Atomics.store(life, 0, LIFE.idle)
  report(segment)
}

/** What is no outcome is an error that the main thread is to meet itself, as if it were alone. */
function measured(segment: Segment, index: number): PairOutcome | undefined {
  try {
    const { golden, dump } = pairAt(segment, index)
    const outcome = measurePair(golden, dump, segment.settings, kernel)
    // The main thread knows the files, and their names are most of an outcome's bytes.
    outcome.golden.files = []
    outcome.dump.files = []
    return outcome
  } catch {
    return undefined
  }
}
