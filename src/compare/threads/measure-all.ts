import type { RowKernel } from '../../metrics/kernel.js'
import { measurePair, type PairOutcome, type PairSettings } from '../measure-pair.js'
import { settle } from '../settle.js'
import { now } from './clock.js'
import { measureSegment } from './measure-segment.js'
import { type Helper, Pool } from './pool.js'
import { makeSegment, type WholePair } from './segment.js'
import { workerFile } from './worker-file.js'

/** So many pairs are written out for the workers at a time. */
const SEGMENT = 2048

/** How much work there must be for each worker that has to be started, and for each that is there already. */
const WORTH_STARTING_MS = 40
const WORTH_ASKING_MS = 5

/** A pair that takes less is not worth the message about it. */
const WORTH_SHARING_MS = 0.03

/** A thread claims about so much work at a time: not to talk about each small pair. */
const CLAIM_MS = 1
const MOST_CLAIMED = 32

let pool: Pool | undefined
let segments = 0

/**
 * Measures every pair, on up to so many threads where they are worth while: as many as the work that is left takes, judged
 * by the time that the pairs so far have taken. The outcomes do not depend on it.
 */
export function measureAll(
  pairs: readonly WholePair[],
  settings: PairSettings,
  kernel: RowKernel,
  threads: number,
): PairOutcome[] {
  const outcomes: PairOutcome[] = []
  const measure = ({ golden, dump }: WholePair) => settle(measurePair(golden, dump, settings, kernel), golden, dump)
  const alone = (count: number): void => {
    for (const end = Math.min(outcomes.length + count, pairs.length); outcomes.length < end; ) {
      outcomes.push(measure(pairs[outcomes.length]!))
    }
  }
  if (threads === 1) {
    alone(pairs.length)
    return outcomes
  }
  // Not part of the estimate: the kernel is compiled with it.
  alone(1)
  let [milliseconds, atOnce] = [0, 2]
  while (outcomes.length < pairs.length) {
    const [before, started] = [outcomes.length, now()]
    const helpers = recruit(pairs.length - before, milliseconds, threads, kernel)
    const some = helpers.length > 0 ? pairs.slice(before, before + SEGMENT) : []
    const details = {
      id: ++segments,
      threads: helpers.length + 1,
      batch: Math.min(Math.ceil(CLAIM_MS / milliseconds), MOST_CLAIMED),
      settings,
    }
    const segment = helpers.length > 0 ? makeSegment(some, details) : undefined
    if (segment) for (const outcome of measureSegment(segment, some, helpers, measure)) outcomes.push(outcome)
    else {
      atOnce *= 2
      alone(atOnce)
    }
    const share = segment ? details.threads : 1
    milliseconds = ((now() - started) * share) / (outcomes.length - before)
  }
  return outcomes
}

/** The workers that are worth while for so many pairs of so many milliseconds each. */
function recruit(left: number, milliseconds: number, threads: number, kernel: RowKernel): readonly Helper[] {
  if (milliseconds < WORTH_SHARING_MS) return []
  pool ??= openPool(kernel)
  const work = left * milliseconds
  const there = Math.min(pool?.size ?? 0, Math.floor(work / WORTH_ASKING_MS))
  const count = Math.min(threads - 1, Math.max(there, Math.floor(work / WORTH_STARTING_MS)))
  return pool && count > 0 ? pool.take(count) : []
}

function openPool(kernel: RowKernel): Pool | undefined {
  const file = workerFile()
  return file === undefined ? undefined : new Pool(file, kernel.name)
}
