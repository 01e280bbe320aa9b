import { availableParallelism } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { GoldenLogitsError, printable } from '../../errors.js'
import { simultaneousWorkers } from './test-workers.js'

/** Sets the number of threads where the option `threads` does not. */
export const THREADS_VARIABLE = 'GOLDEN_LOGITS_THREADS'

export const MOST_THREADS = 64

/** Without a word of the user no more than these: each costs some 10 MB, and about so many have read all that memory yields. */
const MOST_UNASKED = 8

export function isThreadCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MOST_THREADS
}

/**
 * How many threads a comparison may use, this one included: the option, else the environment variable, else this process's
 * share of the processors. Test workers that may run at the same time share them evenly, rounded down; a worker thread that
 * is no test worker's gets one, since nothing tells how many others there are.
 * @throws GoldenLogitsError `invalid-argument` for a variable that is no number of threads
 */
export function threadCount(option: number | undefined): number {
  const variable = process.env[THREADS_VARIABLE]
  const asked = option ?? (variable ? fromVariable(variable) : undefined)
  if (asked !== undefined) return asked
  const workers = simultaneousWorkers()
  if (workers === undefined && !isMainThread) return 1
  const share = Math.floor(availableParallelism() / (workers ?? 1))
  return Math.max(1, Math.min(share, MOST_UNASKED))
}

function fromVariable(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (isThreadCount(count)) return count
  throw new GoldenLogitsError(
    'invalid-argument',
    `the environment variable ${THREADS_VARIABLE} must be a whole number from 1 to ${MOST_THREADS}, got '${printable(text, 40)}'`,
  )
}
