import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder with the folders above it.
 * @throws the error of the system. Node's own `recursive` calls a read-only disk "no such file or directory".
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    makeFolder(dirname(path))
    mkdirSync(path)
  }
}
