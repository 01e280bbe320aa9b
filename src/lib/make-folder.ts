import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { printable } from '../errors.js'

/**
 * Makes a folder with the folders above it, level by level: Node's own `recursive` calls a read-only disk "no such file
 * or directory", and never returns below a folder that takes none, such as /proc.
 * @throws the error of the system
 */
export function makeFolder(path: string): void {
  let error = tryToMake(path)
  const parent = dirname(path)
  if (error?.code === 'ENOENT' && parent !== path) {
    makeFolder(parent)
    error = tryToMake(path)
    if (error?.code === 'ENOENT') error.message = `no folder can be made in ${parent}: ${path}`
  }
  if (!error) return
  if (isFileInPath(error)) error.message = `a part of the path is a file, expected a folder: ${path}`
  throw error
}

/** @returns the error of the system; undefined if the folder exists, which another process may have just made */
function tryToMake(path: string): NodeJS.ErrnoException | undefined {
  if (isFolder(path)) return undefined
  try {
    mkdirSync(path)
    return undefined
  } catch (error) {
    return isFolder(path) ? undefined : (error as NodeJS.ErrnoException)
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** True for an error of the system that is due to a file where the path has a folder. */
function isFileInPath(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EEXIST' || code === 'ENOTDIR'
}

/** What to do about an error of the system that kept a file from being written. */
export function writeAdvice(error: NodeJS.ErrnoException): string {
  if (isFileInPath(error)) return 'a part of its path is a file, expected a folder'
  return error.code === 'ENOENT' ? printable(error.message, 400) : 'free disk space, or grant write permission'
}
