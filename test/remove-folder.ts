import { existsSync, rmSync } from 'node:fs'

const PAUSE_MS = 100
const ATTEMPTS = 100

/**
 * Removes a folder into which processes that were just killed may still write. The option `maxRetries` of `rmSync` does not
 * help against them: with it Node empties the folder once, and then only tries again to remove it.
 * @throws the error of `rmSync` if the folder is still there after ten seconds
 */
export function removeFolder(folder: string): void {
  for (let attempt = 1; existsSync(folder); attempt++) {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
  }
}
