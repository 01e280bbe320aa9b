import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { seeded } from './choices.js'
import { loadCorpus } from './corpus.js'
import { fuzzDisk } from './disk.js'
import { KINDS, kindOf } from './inputs.js'
import type { Report, Task } from './worker.js'

export interface LongRun {
  fixtures: string
  failures: string
  seed: number
  count: number
  threads: number
  /** Comparisons of trees on disk. */
  trees: number
}

/** Bytes by which the process may grow once it is warm. */
const MOST_GROWTH = 64 * 2 ** 20
/** An input that takes more milliseconds hangs. */
const HANGS = 20_000
/** Inputs, or a tenth of the run, until all code is compiled and the heaps of all threads have their final size. */
const WARM = 20_000

/** Examines many inputs and prints the outcomes. @returns whether there was no finding */
export async function longRun({ fixtures, failures, seed, count, threads, trees }: LongRun): Promise<boolean> {
  mkdirSync(failures, { recursive: true })
  console.log(`fuzz: ${count} inputs, seed ${seed}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`)
  const began = performance.now()
  const reports: Report[] = []
  const memory = watchMemory(Math.max(WARM, count / 10))
  const problems = await Promise.all(
    Array.from({ length: threads }, (_, first) =>
      runThread({ fixtures, failures, seed, first, step: threads, count, progress: sharedInt() }, (report) => {
        reports[first] = report
        const done = reports.reduce((sum, one) => sum + (one?.done ?? 0), 0)
        memory.look(done)
        if (done % 100_000 < 2000 && done > 2000)
          console.log(
            `  ${done} inputs, ${(done / ((performance.now() - began) / 1000)).toFixed(0)}/s, ${memory.now()} MB`,
          )
      }),
    ),
  )
  const seconds = (performance.now() - began) / 1000
  const found = [
    ...problems.flat(),
    ...reports.flatMap((report) =>
      report.failures.map(({ kind, reason, file }) => `${kind}: ${reason}\n    saved as ${file}`),
    ),
  ]
  printCounts(reports)
  const slowest = reports.map((report) => report.slowest).sort((a, b) => b.milliseconds - a.milliseconds)[0]
  if (slowest)
    console.log(`slowest input: ${slowest.milliseconds.toFixed(1)} ms (input ${slowest.index}, ${slowest.kind})`)
  console.log(`RSS: ${memory.summary()}`)
  if (memory.growth() > MOST_GROWTH) found.push(`RSS grew by ${memory.growth() / 2 ** 20} MB`)
  if (trees > 0) {
    const { findings, summary } = fuzzDisk({ fixtures, failures, seed, trees })
    found.push(...findings)
    console.log(summary)
  }
  console.log(`${count} inputs in ${seconds.toFixed(0)} s, seed ${seed}: ${found.length} findings`)
  for (const problem of found.slice(0, 20)) console.log(`  ${problem}`)
  return found.length === 0
}

const sharedInt = () => new Int32Array(new SharedArrayBuffer(4))

/** Runs a thread until it ends, hangs or dies. @returns the problem of the thread itself, if any */
async function runThread(task: Task, heard: (report: Report) => void): Promise<string[]> {
  Atomics.store(task.progress, 0, -1)
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task })
  let finished = false
  let problem: string | undefined
  const exit = new Promise<void>((done) => worker.once('exit', () => done()))
  worker.on('message', (report: Report) => {
    finished ||= report.finished
    heard(report)
  })
  worker.once('error', (error) => {
    problem = `crash at input ${Atomics.load(task.progress, 0)}: ${error.stack}`
  })
  const watch = new AbortController()
  const hang = (async () => {
    // While the corpus is loaded there is no input yet: a busy machine may take long.
    for (let last = -2, now = -1; last !== now || now === -1; ) {
      last = now
      await setTimeout(HANGS, undefined, { signal: watch.signal })
      now = Atomics.load(task.progress, 0)
    }
    problem = `input ${Atomics.load(task.progress, 0)} hangs: ${saveInput(task)}`
    await worker.terminate()
  })().catch(() => undefined)
  await Promise.race([exit, hang])
  watch.abort()
  if (problem === undefined && !finished) problem = `a thread ended at input ${Atomics.load(task.progress, 0)}`
  return problem === undefined ? [] : [problem]
}

/** Makes the current input of a dead thread again, to save it. */
function saveInput({ fixtures, failures, seed, progress }: Task): string {
  const index = Atomics.load(progress, 0)
  const choices = seeded(seed, index)
  const { bytes } = KINDS[kindOf(choices)]!.make(choices, loadCorpus(fixtures))
  const file = join(failures, `seed-${seed}-input-${index}`)
  writeFileSync(file, bytes)
  return `saved as ${file}`
}

function printCounts(reports: readonly Report[]): void {
  for (const kind of Object.keys(KINDS)) {
    const outcomes = new Map<string, number>()
    for (const { counts } of reports) {
      for (const [code, times] of Object.entries(counts[kind] ?? {}))
        outcomes.set(code, (outcomes.get(code) ?? 0) + times)
    }
    const total = [...outcomes.values()].reduce((sum, times) => sum + times, 0)
    const listed = [...outcomes].sort((a, b) => b[1] - a[1]).map(([code, times]) => `${code} ${times}`)
    console.log(`${kind}: ${total}\n    ${listed.join(', ')}`)
  }
}

/** The resident memory of the process, including all threads, after the warm-up. */
function watchMemory(warmUp: number) {
  let [warm, most] = [0, 0]
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
  return {
    look(done: number) {
      const rss = process.memoryUsage.rss()
      if (done < warmUp || warm === 0) warm = Math.max(warm, rss)
      most = Math.max(most, rss)
    },
    now: () => megabytes(process.memoryUsage.rss()),
    growth: () => most - warm,
    summary: () =>
      `${megabytes(warm)} MB when warm, ${megabytes(most)} MB at most, grown by ${megabytes(most - warm)} MB`,
  }
}
