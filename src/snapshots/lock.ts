import { mkdirSync, rmdirSync, statSync } from 'node:fs'
import { GoldenLogitsError } from '../errors.js'

/** Milliseconds. Renames take less than one; a lock older than that was left by a worker that died. */
const STALE = 10_000
const PATIENCE = 60_000
const PAUSE = 5

/**
 * Runs `body` while no other worker runs one for the same path: the two files of a golden come from the same writer. A
 * folder is the lock, as making one is atomic on every file system.
 */
export function withLock<T>(path: string, body: () => T): T {
  const lock = `${path}.lock`
  const end = Date.now() + PATIENCE
  while (!isTaken(lock)) {
    if (isStale(lock)) release(lock)
    else if (Date.now() > end) {
      const message = `another worker holds ${lock}, expected to be free within ${PATIENCE / 1000} s; delete that folder if no test is running`
      throw new GoldenLogitsError('read-failed', message, { file: path })
    } else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE)
  }
  try {
    return body()
  } finally {
    release(lock)
  }
}

function isTaken(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function isStale(lock: string): boolean {
  const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs
  return made !== undefined && Date.now() - made > STALE
}

/** Another worker may have found it stale at the same time. */
function release(lock: string): void {
  try {
    rmdirSync(lock)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
