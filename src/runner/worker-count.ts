import { availableParallelism } from 'node:os'
import { isMainThread } from 'node:worker_threads'

/**
 * How many workers of the test runner may be at work at the same time, this one included. The runner's own value
 * counts: Vitest its `maxWorkers`, both the number of this worker; else its default, one worker less than there are
 * processors. Jest starts no worker without a second one: with one it runs the tests in its main process (`--runInBand`).
 * @returns undefined if this process is no test worker
 */
export function simultaneousWorkers(): number | undefined {
  const { VITEST_POOL_ID, VITEST_MAX_WORKERS, JEST_WORKER_ID } = process.env
  const unsaid = Math.max(1, availableParallelism() - 1)
  if (VITEST_POOL_ID !== undefined) {
    const said = vitestMaxWorkers() ?? whole(VITEST_MAX_WORKERS) ?? unsaid
    return Math.max(said, whole(VITEST_POOL_ID) ?? 1)
  }
  if (JEST_WORKER_ID !== undefined) {
    // Not `process.send`, which Jest puts into every environment.
    const inBand = isMainThread && !process.connected
    return inBand ? 1 : Math.max(unsaid, whole(JEST_WORKER_ID) ?? 1, 2)
  }
  return undefined
}

/** Vitest's state in each of its workers. No promise is made here, so that nothing is taken for granted. */
function vitestMaxWorkers(): number | undefined {
  const state = (globalThis as { __vitest_worker__?: { config?: { maxWorkers?: unknown } } }).__vitest_worker__
  return whole(state?.config?.maxWorkers)
}

function whole(value: unknown): number | undefined {
  const number = Number(value)
  return Number.isSafeInteger(number) && number >= 1 ? number : undefined
}
