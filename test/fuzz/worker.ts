import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { seeded } from './choices.js'
import { loadCorpus } from './corpus.js'
import { examine, Finding } from './examine.js'
import { type Corpus, KINDS, kindOf, runInput } from './inputs.js'
import { prototypesOf } from './prototypes.js'

/** The input of a thread of a long run. */
export interface Task {
  fixtures: string
  failures: string
  seed: number
  /** Inputs `first`, `first + step` … below `count`. */
  first: number
  step: number
  count: number
  /** The index of the current input, for the main thread. */
  progress: Int32Array
}

/** The progress that it reports from time to time and at the end. */
export interface Report {
  done: number
  /** Inputs by kind, and by outcome in each. */
  counts: Record<string, Record<string, number>>
  slowest: { index: number; kind: string; milliseconds: number }
  failures: { index: number; kind: string; reason: string; file: string }[]
  finished: boolean
}

/** The maximum milliseconds of an input. */
const MOST = 1000
const REPORT_EVERY = 2000

function work({ fixtures, failures, seed, first, step, count, progress }: Task): void {
  const corpus = loadCorpus(fixtures)
  const untouched = prototypesOf()
  const report: Report = {
    done: 0,
    counts: {},
    slowest: { index: -1, kind: '', milliseconds: 0 },
    failures: [],
    finished: false,
  }
  for (let index = first; index < count; index += step) {
    Atomics.store(progress, 0, index)
    const choices = seeded(seed, index)
    const kind = kindOf(choices)
    let bytes: Uint8Array = new Uint8Array(0)
    let code = 'failure'
    const fail = (reason: string) => {
      const file = join(failures, `seed-${seed}-input-${index}`)
      writeFileSync(file, bytes)
      report.failures.push({ index, kind, reason, file })
    }
    let start = performance.now()
    try {
      // The time to make an input does not count.
      code = runInput(kind, choices, corpus, (made) => {
        bytes = made
        start = performance.now()
      }).code
    } catch (error) {
      fail(error instanceof Finding ? error.message : String((error as Error).stack))
    }
    let milliseconds = performance.now() - start
    // The machine may have been busy: an input that is really slow is slow again.
    if (milliseconds > MOST) milliseconds = Math.min(milliseconds, timeAgain(seed, index, corpus))
    if (milliseconds > report.slowest.milliseconds) report.slowest = { index, kind, milliseconds }
    if (milliseconds > MOST) fail(`took ${milliseconds} ms`)
    const outcomes = report.counts[kind] ?? {}
    report.counts[kind] = { ...outcomes, [code]: (outcomes[code] ?? 0) + 1 }
    report.done++
    const due = report.done % REPORT_EVERY === 0
    if (due && prototypesOf() !== untouched) fail(`one of the last ${REPORT_EVERY} inputs changed a prototype`)
    if (due || index + step >= count) parentPort!.postMessage({ ...report, finished: index + step >= count })
  }
}

function timeAgain(seed: number, index: number, corpus: Corpus): number {
  const choices = seeded(seed, index)
  const { bytes } = KINDS[kindOf(choices)]!.make(choices, corpus)
  const start = performance.now()
  try {
    examine(bytes)
  } catch {
    // Already reported.
  }
  return performance.now() - start
}

work(workerData as Task)
