import { type Dirent, lstatSync, opendirSync, readdirSync, type Stats, statSync } from 'node:fs'
import { GoldenLogitsError } from '../errors.js'
import { errorCodeOf } from './file-source.js'
import { type EntryKind, type FolderEntry, FolderNames } from './folder-names.js'
import { compareNames } from './name-order.js'

export type { EntryKind, FolderEntry } from './folder-names.js'

/**
 * The entries of a folder, sorted by name with numbers in numeric order (`9` before `10`). A link to a file counts as a
 * file; a link to a folder stays a `link`, so that no walk follows it into a loop.
 * @throws GoldenLogitsError `file-not-found`, `permission-denied`, `read-failed`
 */
export function listFolder(path: string): FolderEntry[] {
  return guarded(path, 'list the folder', () =>
    readdirSync(path, { withFileTypes: true })
      .map((entry) => toEntry(path, entry))
      .sort((a, b) => compareNames(a.name, b.name)),
  )
}

/** The same for a folder that may have a million entries. They are never all in memory at once. */
export function listNames(path: string): FolderNames {
  return guarded(path, 'list the folder', () => new FolderNames(eachEntry(path)))
}

function* eachEntry(path: string): Generator<FolderEntry> {
  const folder = opendirSync(path, { bufferSize: 64 })
  try {
    for (let entry = folder.readSync(); entry; entry = folder.readSync()) yield toEntry(path, entry)
  } finally {
    folder.closeSync()
  }
}

function toEntry(folder: string, entry: Dirent): FolderEntry {
  const { name } = entry
  if (entry.isFile()) return { name, kind: 'file' }
  if (entry.isDirectory()) return { name, kind: 'folder' }
  if (!entry.isSymbolicLink()) return { name, kind: 'other' }
  return { name, kind: pointsToFile(`${folder}/${name}`) ? 'file' : 'link' }
}

/** The same, but returns the message of an error: a folder that cannot be listed should not stop the others. */
export function tryListFolder(path: string): { entries: FolderEntry[]; problem?: string } {
  try {
    return { entries: listFolder(path) }
  } catch (error) {
    if (error instanceof GoldenLogitsError) return { entries: [], problem: error.message }
    throw error
  }
}

/** False for a link that is broken, circular, or points to where this user has no permission. */
function pointsToFile(link: string): boolean {
  try {
    return statSync(link).isFile()
  } catch {
    return false
  }
}

/** What is at a path, following links; a `link` if it is a broken or circular one; undefined if nothing is there. */
export function kindOf(path: string): EntryKind | undefined {
  return guarded(path, 'look at the path', () => {
    const stats = targetStats(path)
    if (stats?.isFile()) return 'file'
    if (stats?.isDirectory()) return 'folder'
    if (stats) return 'other'
    return lstatSync(path, { throwIfNoEntry: false }) ? 'link' : undefined
  })
}

/** Whether the path itself is a link. */
export function isLink(path: string): boolean {
  return guarded(path, 'look at the path', () => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false)
}

function targetStats(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return undefined
    throw error
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOTDIR: ': a part of it is a file, expected a folder',
  EACCES: ': this user has no permission',
  ELOOP: ': its links form a circle',
  EPERM: ': this user has no permission',
}

function guarded<T>(path: string, action: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Not an error of the file system, so a bug of ours: do not hide it.
    if (typeof code !== 'string') throw cause
    throw new GoldenLogitsError(errorCodeOf(code), `cannot ${action} (${code})${WHY[code] ?? ''}`, {
      file: path,
      cause,
    })
  }
}
