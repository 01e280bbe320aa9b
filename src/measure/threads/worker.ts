import { workerData } from 'node:worker_threads'
import { createKernel } from '../../metrics/row-kernel.js'
import { FilesSource } from '../from-files.js'
import { measurePair, type PairSetting } from '../measure-pair.js'
import { isMeasured, type Outcome } from '../outcome.js'
import { hasShape } from '../pair-shape.js'
import { writeRecord } from '../record.js'
import { type Batch, claim, type FilesSetting, noteWritten, report } from './batch.js'
import { pairIn } from './batch-memory.js'
import { type Report, STATE, type WorkerStart } from './worker-state.js'

// The program of a worker thread: it waits for batches, and helps with each until nothing is left to claim.

/** A worker that nobody needs any more ends by itself: a runner may have forgotten the module that started it. */
const IDLE_MS = 5000

const { port, state, kernel: name } = workerData as WorkerStart
const kernel = createKernel(name)
let current: Batch | undefined

const patience = setTimeout(() => {
  Atomics.store(state, 0, STATE.left)
  port.close()
}, IDLE_MS)

process.on('exit', () => {
  if (Atomics.load(state, 0) !== STATE.left) Atomics.store(state, 0, STATE.lost)
  if (current) report(current)
})

port.on('message', (batch: Batch) => {
  current = batch
  help(batch)
  current = undefined
  patience.refresh()
})
Atomics.store(state, 0, STATE.idle)

function help(batch: Batch): void {
  Atomics.store(state, 0, STATE.busy)
  const setting: PairSetting = {
    golden: sourceOf(batch.golden),
    dump: sourceOf(batch.dump),
    vocabSize: batch.vocabSize,
    precision: batch.precision,
    kernel,
  }
  for (let claimed = claim(batch); claimed; claimed = claim(batch)) {
    const outcomes: [number, Outcome][] = []
    for (let i = claimed.first; i < claimed.last; i++) {
      const outcome = measure(batch, i, setting)
      if (outcome && !wroteRecord(batch, i, outcome)) outcomes.push([i, outcome])
    }
    if (outcomes.length > 0) port.postMessage({ batch: batch.id, outcomes } satisfies Report)
    report(batch)
  }
  setting.golden.releaseFiles?.()
  setting.dump.releaseFiles?.()
  Atomics.store(state, 0, STATE.idle)
  report(batch)
}

function sourceOf({ budgets, choice, layout, ranks }: FilesSetting): FilesSource {
  return new FilesSource(budgets, choice, kernel, layout, ranks)
}

/** undefined leaves the pair to the main thread: it is to meet an error itself, as if it were alone. */
function measure(batch: Batch, index: number, setting: PairSetting): Outcome | undefined {
  try {
    const pair = pairIn(batch.memory, index)
    if (!pair) return undefined
    const outcome = measurePair(pair.golden, pair.dump, setting)
    // The main thread knows the files.
    outcome.golden.files = []
    outcome.dump.files = []
    return outcome
  } catch {
    return undefined
  }
}

/** Most pairs are a record of numbers. Of any other, and of one with a new shape, the main thread needs to know more. */
function wroteRecord(batch: Batch, index: number, outcome: Outcome): boolean {
  if (!isMeasured(outcome)) return false
  const shape = batch.shapes.findIndex((known) => hasShape(outcome, known))
  if (shape < 0) return false
  writeRecord(batch.memory.records, index, outcome, shape)
  noteWritten(batch, index)
  return true
}
