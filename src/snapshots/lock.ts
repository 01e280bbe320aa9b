import { mkdirSync, rmdirSync, statSync } from 'node:fs'
import { GoldenLogitsError } from '../errors.js'

/** Milliseconds. Renames take less than one: an older lock was left by a worker that died. */
const STALE = 10_000
const PATIENCE = 60_000
const PAUSE = 5

/**
 * Runs `body` while no other worker runs one for the same path, so that both files of a snapshot come from one writer. The lock
 * is a folder, because creating one is atomic on every file system.
 */
export function withLock<T>(path: string, body: () => T): T {
  const lock = `${path}.lock`
  const end = Date.now() + PATIENCE
  while (!isTaken(lock)) {
    if (isStale(lock)) release(lock)
    else if (Date.now() > end) {
      const message = `another worker has held the lock ${lock} for more than ${PATIENCE / 1000} s; delete that folder if no test is running`
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
  const createdAt = statSync(lock, { throwIfNoEntry: false })?.mtimeMs
  return createdAt !== undefined && Date.now() - createdAt > STALE
}

/** Another worker may have removed the stale lock at the same time. */
function release(lock: string): void {
  try {
    rmdirSync(lock)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
