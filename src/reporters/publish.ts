import { closeSync, existsSync, linkSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { removeLeftovers } from '../lib/leftovers.js'
import { makeFolder } from '../lib/make-folder.js'
import { RENDERINGS } from '../report/renderings.js'
import { writeAll } from './spool-file.js'
import { type ReportPart, type ReportSummary, reportLines } from './spool-report.js'
import { type ReportTarget, refuseForeign } from './target.js'

/** A report that was written. */
export interface Published {
  readonly path: string
  readonly summary: ReportSummary
}

/**
 * Writes a report.
 * @param targetOf returns the n-th choice of a place, from 1; the next one is asked for if the file exists
 * @param advice what the user can do if the file is not a report
 * @throws GoldenLogitsError `invalid-argument` for a file that is not a report; an error of the file system
 */
export function publishReport(
  targetOf: (n: number) => ReportTarget,
  parts: readonly ReportPart[],
  advice: string,
): Published {
  const total = parts.reduce((sum, { rows }) => sum + rows, 0)
  for (let n = 1; ; n++) {
    const target = targetOf(n)
    const summary = { total, rows: 0, failed: 0, unfinished: 0 }
    if (publish(target, reportLines(RENDERINGS.csv, parts, summary), advice)) return { path: target.path, summary }
  }
}

/** @returns false if the path exists and must not be replaced */
function publish(target: ReportTarget, lines: Iterable<string>, advice: string): boolean {
  const { path, replace } = target
  if (replace) refuseForeign(path, advice)
  return publishLines(target, lines)
}

/**
 * Writes lines under a temporary name first, so that the file is complete or absent. Memory stays bounded.
 * @returns false if the path exists and must not be replaced
 */
export function publishLines(target: ReportTarget, lines: Iterable<string>): boolean {
  const { path, replace } = target
  if (!replace && existsSync(path)) return false
  makeFolder(dirname(path))
  removeLeftovers(path)
  const temporary = `${path}.${process.pid}.tmp`
  try {
    writeLines(temporary, lines)
    return giveName(temporary, target)
  } catch (error) {
    // The system does not say which file has no space.
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') error.message += ` '${path}'`
    throw error
  } finally {
    rmSync(temporary, { force: true })
  }
}

function writeLines(path: string, lines: Iterable<string>): void {
  const descriptor = openSync(path, 'w')
  try {
    for (const piece of largePieces(lines)) writeAll(descriptor, Buffer.from(piece))
  } finally {
    closeSync(descriptor)
  }
}

/** The same text in fewer pieces, so that few calls write it. */
export function* largePieces(lines: Iterable<string>): Generator<string> {
  let piece = ''
  for (const line of lines) {
    piece += line
    if (piece.length < 1 << 16) continue
    yield piece
    piece = ''
  }
  yield piece
}

/** A link, unlike a rename, never replaces another run's report. */
function giveName(temporary: string, { path, replace }: ReportTarget): boolean {
  if (!replace) {
    try {
      linkSync(temporary, path)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      // This file system has no links: rename instead.
    }
  }
  renameSync(temporary, path)
  return true
}
