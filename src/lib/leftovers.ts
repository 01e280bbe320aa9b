import { readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Milliseconds. A writer that lives writes more often. */
const OLD = 3_600_000
const TEMPORARY = /^\.\d+(?:-\d+)?\.tmp(?:\.npz)?$/

/** Removes the temporary files that killed writers of a path left next to it. Never fails. */
export function removeLeftovers(path: string): void {
  const [folder, name] = [dirname(path), basename(path)]
  try {
    for (const entry of readdirSync(folder)) {
      if (!entry.startsWith(name) || !TEMPORARY.test(entry.slice(name.length))) continue
      const leftover = join(folder, entry)
      if (Date.now() - statSync(leftover).mtimeMs > OLD) rmSync(leftover, { force: true })
    }
  } catch {
    // Another writer was faster, or the folder is read-only.
  }
}
