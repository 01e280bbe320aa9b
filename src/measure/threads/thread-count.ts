import { availableParallelism } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { invalidArgument, printable } from '../../errors.js'
import { simultaneousWorkers } from '../../runner/worker-count.js'

/** Sets the number of threads where the option `threads` does not. */
const THREADS_VARIABLE = 'GOLDEN_LOGITS_THREADS'

export const MOST_THREADS = 64

/** Default maximum: a thread costs some 10 MB, and about this many read as fast as memory delivers. */
const DEFAULT_MOST = 8

/**
 * How many threads a comparison may use, this one included: the option, else the environment variable, else this process's
 * share of the processors. Test workers that may run at the same time share them evenly, rounded down; a worker thread that
 * is no test worker gets one, since the number of others is unknown.
 * @throws GoldenLogitsError `invalid-argument` for a variable that is not a number of threads
 */
export function threadCount(option: number | undefined): number {
  const variable = process.env[THREADS_VARIABLE]
  const asked = option ?? (variable ? fromVariable(variable) : undefined)
  if (asked !== undefined) return asked
  const workers = simultaneousWorkers()
  if (workers === undefined && !isMainThread) return 1
  const share = Math.floor(availableParallelism() / (workers ?? 1))
  return Math.max(1, Math.min(share, DEFAULT_MOST))
}

function fromVariable(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (count >= 1 && count <= MOST_THREADS) return count
  throw invalidArgument(
    `the environment variable ${THREADS_VARIABLE} must be a whole number from 1 to ${MOST_THREADS}, got '${printable(text, 40)}'`,
  )
}
