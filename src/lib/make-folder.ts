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
    if (isFileInPath(error)) (error as Error).message = `a part of the path is a file, expected a folder: ${path}`
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    makeFolder(dirname(path))
    mkdirSync(path)
  }
}

/** True for an error of the system that is due to a file where the path has a folder. */
export function isFileInPath(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EEXIST' || code === 'ENOTDIR'
}
