import { closeSync, lstatSync, openSync, readSync, type Stats, type statSync } from 'node:fs'
import { READ_ONLY } from './file-source.js'

/** The first bytes of a file. */
export function beginningOf(path: string, bytes: number): Buffer {
  const descriptor = openSync(path, READ_ONLY)
  try {
    const head = Buffer.alloc(bytes)
    return head.subarray(0, readSync(descriptor, head, 0, bytes, 0))
  } finally {
    closeSync(descriptor)
  }
}

/** What is at a path; undefined if there is nothing, or nothing that this user may see. */
export function entryAt(path: string, stat: typeof statSync | typeof lstatSync): Stats | undefined {
  try {
    return stat(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/**
 * What keeps this package from replacing a path: a file that it did not write, or a folder or device. An empty file has nothing
 * to lose; a link is replaced, and what it points to is not touched.
 * @param isOurs returns whether a file is one that this package writes
 */
export function foreignKind(path: string, isOurs: (path: string) => boolean): 'file' | 'device or folder' | undefined {
  const stats = entryAt(path, lstatSync)
  if (!stats || stats.isSymbolicLink()) return undefined
  if (!stats.isFile()) return 'device or folder'
  try {
    return stats.size === 0 || isOurs(path) ? undefined : 'file'
  } catch {
    // Nobody knows what this user cannot read.
    return 'file'
  }
}
