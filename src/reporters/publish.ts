import { closeSync, existsSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Where a report goes, and whether it takes the place of one that is there. */
export interface ReportTarget {
  readonly path: string
  readonly replace: boolean
}

/**
 * Writes a report, under a temporary name first: it is whole or not there. Memory stays bounded.
 * @returns false where the path is taken and must not be replaced
 */
export function publish(target: ReportTarget, lines: Iterable<string>): boolean {
  const { path, replace } = target
  if (!replace && existsSync(path)) return false
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  try {
    writeLines(temporary, lines)
    return giveName(temporary, target)
  } finally {
    rmSync(temporary, { force: true })
  }
}

function writeLines(path: string, lines: Iterable<string>): void {
  const descriptor = openSync(path, 'w')
  try {
    let piece = ''
    for (const line of lines) {
      piece += line
      if (piece.length < 1 << 16) continue
      writeWhole(descriptor, piece)
      piece = ''
    }
    writeWhole(descriptor, piece)
  } finally {
    closeSync(descriptor)
  }
}

/** A full disk takes a part of what it is given, and no error before the next call. */
function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; ) from += writeSync(descriptor, bytes, from)
}

/** A link, unlike a rename, never replaces another run's report. */
function giveName(temporary: string, { path, replace }: ReportTarget): boolean {
  if (!replace) {
    try {
      linkSync(temporary, path)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      // A file system without links: a rename is the next best.
    }
  }
  renameSync(temporary, path)
  return true
}
