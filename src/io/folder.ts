import { type Dirent, lstatSync, opendirSync, readdirSync, type Stats, statSync } from 'node:fs'
import { type ErrorCode, GoldenLogitsError } from '../errors.js'
import { FolderNames } from './folder-names.js'
import { compareNames } from './name-order.js'

export type EntryKind = 'file' | 'folder' | 'link' | 'other'

export interface FolderEntry {
  readonly name: string
  readonly kind: EntryKind
}

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

/** The same for a folder that may hold a million entries: they are never all in memory at once. */
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
  return { name, kind: leadsToFile(`${folder}/${name}`) ? 'file' : 'link' }
}

/** The same, but for an answer that says why there is none: one folder that cannot be listed is no end of the others. */
export function tryListFolder(path: string): { entries: FolderEntry[]; problem?: string } {
  try {
    return { entries: listFolder(path) }
  } catch (error) {
    if (error instanceof GoldenLogitsError) return { entries: [], problem: error.message }
    throw error
  }
}

/** A link that leads nowhere, in a circle or where this user may not look is no reason to refuse its folder. */
function leadsToFile(link: string): boolean {
  try {
    return statSync(link).isFile()
  } catch {
    return false
  }
}

/** What a path names, following links; `link` where those lead nowhere or in a circle, `undefined` where it names nothing. */
export function kindOf(path: string): EntryKind | undefined {
  return guarded(path, 'look at the path', () => {
    const stats = statsBehind(path)
    if (stats?.isFile()) return 'file'
    if (stats?.isDirectory()) return 'folder'
    if (stats) return 'other'
    return lstatSync(path, { throwIfNoEntry: false }) ? 'link' : undefined
  })
}

function statsBehind(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return undefined
    throw error
  }
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'file-not-found',
  ENOTDIR: 'file-not-found',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
}

function guarded<T>(path: string, action: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Not an error of the file system: a mistake of ours must not be dressed up as one.
    if (typeof code !== 'string') throw cause
    throw new GoldenLogitsError(CODES[code] ?? 'read-failed', `cannot ${action} (${code})`, { file: path, cause })
  }
}
