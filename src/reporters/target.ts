import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { publish, type ReportTarget } from './publish.js'
import { type ReportPart, type ReportSummary, reportLines } from './spool-report.js'

/**
 * Writes a report where the option `csv` says.
 * @param csv a file, which is replaced, or a folder; left out: the root
 * @param own a report in such a folder that this process wrote before, in watch mode, and replaces
 * @returns its path and what it holds
 */
export function publishReport(
  root: string,
  csv: string | undefined,
  own: string | undefined,
  parts: readonly ReportPart[],
): { path: string; summary: ReportSummary } {
  for (let n = 1; ; n++) {
    const target = own === undefined ? targetOf(root, csv, n) : { path: own, replace: true }
    const summary = { rows: 0, failed: 0, unfinished: 0 }
    if (publish(target, reportLines(parts, summary))) return { path: target.path, summary }
  }
}

/** The one file that each run replaces; `undefined` where each run has a file of its own. */
export function fixedTarget(root: string, csv: string | undefined): string | undefined {
  if (csv === undefined) return undefined
  const path = resolve(root, csv)
  const isFolder = /[\\/]$/.test(csv) || statSync(path, { throwIfNoEntry: false })?.isDirectory()
  return isFolder ? undefined : path
}

/** @param n the second report of the same second gets a number behind its time */
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
