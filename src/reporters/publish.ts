import { closeSync, existsSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { RENDERINGS } from '../report/renderings.js'
import { type ReportPart, type ReportSummary, reportLines } from './spool-report.js'

/** Where a report goes, and whether it may replace an existing file. */
interface ReportTarget {
  readonly path: string
  readonly replace: boolean
}

/**
 * Writes a report to the place that the option `csv` names.
 * @param csv a file, which is replaced, or a folder; the default is the root
 * @param previous a report in such a folder that this process wrote earlier, in watch mode, and replaces
 * @returns its path and what it holds
 */
export function publishReport(
  root: string,
  csv: string | undefined,
  previous: string | undefined,
  parts: readonly ReportPart[],
): { path: string; summary: ReportSummary } {
  for (let n = 1; ; n++) {
    const target = previous === undefined ? targetOf(root, csv, n) : { path: previous, replace: true }
    const summary = { rows: 0, failed: 0, unfinished: 0 }
    if (publish(target, reportLines(RENDERINGS.csv, parts, summary))) return { path: target.path, summary }
  }
}

/** The one file that each run replaces; undefined if each run writes a new file. */
export function fixedTarget(root: string, csv: string | undefined): string | undefined {
  if (csv === undefined) return undefined
  const path = resolve(root, csv)
  const isFolder = /[\\/]$/.test(csv) || statSync(path, { throwIfNoEntry: false })?.isDirectory()
  return isFolder ? undefined : path
}

/** @param n a second report in the same second gets a number after its time */
function targetOf(root: string, csv: string | undefined, n: number): ReportTarget {
  const fixed = fixedTarget(root, csv)
  if (fixed !== undefined) return { path: fixed, replace: true }
  const name = `msit_cmp_report_${timestamp(new Date())}${n === 1 ? '' : `_${n}`}.csv`
  return { path: join(resolve(root, csv ?? '.'), name), replace: false }
}

/** `YYYYMMDDHHMMSS`, UTC. */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\D/g, '').slice(0, 14)
}

/**
 * Writes a report under a temporary name first, so that it is complete or absent. Memory stays bounded.
 * @returns false if the path exists and must not be replaced
 */
function publish(target: ReportTarget, lines: Iterable<string>): boolean {
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
      writeAll(descriptor, piece)
      piece = ''
    }
    writeAll(descriptor, piece)
  } finally {
    closeSync(descriptor)
  }
}

/** A full disk accepts a part of the bytes, and reports no error before the next call. */
function writeAll(descriptor: number, text: string): void {
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
      // This file system has no links: rename instead.
    }
  }
  renameSync(temporary, path)
  return true
}
