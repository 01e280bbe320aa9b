import { workerData } from 'node:worker_threads'
import { createKernel } from '../../metrics/row-kernel.js'
import type { PairOutcome } from '../measure-pair.js'
import { PairMeasurer } from '../pair-measurer.js'
import { hasForm, isMeasured } from '../rows/row-form.js'
import { writeRow } from '../rows/row-memory.js'
import { claim, noteWritten, report, type Segment } from './segment.js'
import { pairIn } from './segment-memory.js'
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
  const measurer = new PairMeasurer(segment.settings, kernel, segment.known)
  for (let claimed = claim(segment); claimed; claimed = claim(segment)) {
    const outcomes: [number, PairOutcome][] = []
    for (let i = claimed.first; i < claimed.last; i++) {
      const outcome = measured(segment, i, measurer)
      if (outcome && !wroteRow(segment, i, outcome)) outcomes.push([i, outcome])
    }
    if (outcomes.length > 0) port.postMessage({ segment: segment.id, outcomes } satisfies Report)
    report(segment)
  }
  Atomics.store(life, 0, LIFE.idle)
  report(segment)
}

/** What is no outcome is left to the main thread: an error, for one, it is to meet itself, as if it were alone. */
function measured(segment: Segment, index: number, measurer: PairMeasurer): PairOutcome | undefined {
  try {
    const pair = pairIn(segment.memory, index)
    if (!pair) return undefined
    const outcome = measurer.measure(pair.golden, pair.dump)
    // The main thread knows the files.
    outcome.golden.files = []
    outcome.dump.files = []
    return outcome
  } catch {
    return undefined
  }
}

/** Most pairs are a row of numbers. Of any other, and of one whose form is new, the main thread needs to be told more. */
function wroteRow(segment: Segment, index: number, outcome: PairOutcome): boolean {
  if (!isMeasured(outcome)) return false
  const form = segment.forms.findIndex((known) => hasForm(outcome, known))
  if (form < 0) return false
  writeRow(segment.memory.rows, index, outcome.rows, outcome.cut, form)
  noteWritten(segment, index)
  return true
}
