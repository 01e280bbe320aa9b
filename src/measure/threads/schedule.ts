import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { here } from '../../lib/package-url.js'
import type { RowKernel } from '../../metrics/kernel.js'
import { rowKernel } from '../../metrics/row-kernel.js'
import { now } from './clock.js'
import { type Helper, Pool } from './pool.js'
import type { WorkTerms } from './work.js'

/** How much work there must be for each worker that has to be started, and for each that is there already. */
const WORTH_STARTING_MS = 40
const WORTH_ASKING_MS = 5

/** An item that takes less is not worth the message about it. */
const WORTH_SHARING_MS = 0.03

/** A thread claims about this much work at a time, to synchronise rarely. */
const CLAIM_MS = 1
const MOST_CLAIMED = 32

/** With fewer items than these the measured time decides, not the expected one. */
const FEW = 100

/** Items of a similar cost, which may be made on several threads. */
export interface Job {
  readonly length: number
  /** The program of the workers, as a module of this package. */
  readonly program: string
  /** At most this many items are shared at a time. */
  readonly mostShared: number
  /** The least time that an item takes, in milliseconds. */
  expected(): number
  /** Makes an item on this thread. */
  alone(item: number): void
  /** Makes `count` items, from the item `first` on, on this thread and with these workers. */
  together(first: number, count: number, helpers: readonly Helper[], terms: WorkTerms): void
}

let jobs = 0

/** Uses as many threads as the remaining work is worth, judged by the time that the items so far have taken. */
export function runOnThreads(job: Job, threads: number): void {
  const { length } = job
  let done = 0
  const alone = (count: number): void => {
    for (const end = Math.min(done + count, length); done < end; done++) job.alone(done)
  }
  // A worker takes as long to start as many an item takes to make: start early if the files are large.
  let milliseconds = length < FEW ? 0 : job.expected()
  recruit(job, length, milliseconds, threads)
  // Not part of the estimate: the kernel is compiled with it.
  alone(1)
  let atOnce = 2
  while (done < length) {
    const [before, started] = [done, now()]
    const helpers = recruit(job, length - before, milliseconds, threads)
    if (helpers.length > 0) {
      const count = Math.min(job.mostShared, length - before)
      const mostClaimed = Math.min(Math.ceil(CLAIM_MS / milliseconds), MOST_CLAIMED)
      job.together(before, count, helpers, { id: ++jobs, threads: helpers.length + 1, mostClaimed })
      done += count
    } else {
      atOnce *= 2
      alone(atOnce)
    }
    milliseconds = ((now() - started) * (helpers.length + 1)) / (done - before)
  }
}

/** The workers that are worth while for this many items of this many milliseconds each. */
function recruit({ program }: Job, left: number, milliseconds: number, threads: number): readonly Helper[] {
  if (milliseconds < WORTH_SHARING_MS) return []
  const pool = poolFor(program, rowKernel())
  const work = left * milliseconds
  const there = Math.min(pool?.size ?? 0, Math.floor(work / WORTH_ASKING_MS))
  const count = Math.min(threads - 1, Math.max(there, Math.floor(work / WORTH_STARTING_MS)))
  return pool && count > 0 ? pool.take(count) : []
}

const pools = new Map<string, Pool>()

/** undefined if the build has no such program, as in a bundle. */
function poolFor(program: string, kernel: RowKernel): Pool | undefined {
  const known = pools.get(program)
  if (known) return known
  const file = workerFile(program)
  if (file === undefined) return undefined
  const pool = new Pool(file, kernel.name)
  pools.set(program, pool)
  return pool
}

/**
 * The file of the built package that a worker runs: that of the CommonJS half, which starts faster.
 * @param program a module that has its own bundle
 * @returns undefined if there is no such file: in a bundle, or if the sources run as TypeScript
 */
function workerFile(program: string): string | undefined {
  if (!here?.startsWith('file:')) return undefined
  try {
    const file = fileURLToPath(new URL(`../cjs/${program}.js`, here))
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}
