import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { READ_ONLY } from './file-source.js'

/**
 * Reads a regular file of a known size, usually in one call to the system.
 * @param into has room for one more byte, which shows if the file has grown
 * @returns false if the file has another size or cannot be read; `openFile` reports the reason
 */
export function readWhole(path: string, size: number, into: Uint8Array): boolean {
  try {
    const stats = statSync(path)
    if (stats.size !== size || !stats.isFile()) return false
    const descriptor = openSync(path, READ_ONLY)
    try {
      let done = 0
      for (let count = 1; count > 0 && done < size; done += count) {
        count = readSync(descriptor, into, done, size + 1 - done, done)
      }
      return done === size
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return false
  }
}
