import { lstatSync, statSync, unlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { GoldenLogitsError } from '../errors.js'
import { beginningOf, entryAt, foreignKind } from '../io/beginning.js'

/** The folder of reports without the option `csv`: one folder, which can be ignored by version control and uploaded by CI. */
export const REPORT_FOLDER = 'golden-logits-report'

/** The path of a report, and whether it may replace a report that is there. */
export interface ReportTarget {
  readonly path: string
  readonly replace: boolean
}

/** The one file that each run replaces; undefined if each run writes a new file into a folder. */
export function fixedTarget(root: string, csv: string | undefined): string | undefined {
  if (csv === undefined) return undefined
  const path = resolve(root, csv)
  return /[\\/]$/.test(csv) || entryAt(path, statSync)?.isDirectory() ? undefined : path
}

/**
 * @param watches in watch mode the reports of all runs go to one file, which is named after the start of the process
 * @param n a second report in the same second gets a number after its time
 */
export function targetOf(root: string, csv: string | undefined, watches: boolean, n: number): ReportTarget {
  const fixed = fixedTarget(root, csv)
  if (fixed !== undefined) return { path: fixed, replace: true }
  const time = timestamp(new Date(watches ? performance.timeOrigin : Date.now()))
  const name = `msit_cmp_report_${time}${watches ? `_${process.pid}` : n === 1 ? '' : `_${n}`}.csv`
  return { path: join(resolve(root, csv ?? REPORT_FOLDER), name), replace: watches }
}

/** `YYYYMMDDHHMMSS`, UTC. */
export function timestamp(date: Date): string {
  return date.toISOString().replace(/\D/g, '').slice(0, 14)
}

/**
 * Refuses a path that names anything but a report of this package, or an empty file: it belongs to somebody else.
 * @param advice what the user can do
 * @param isOurs returns whether a file is a report of the wanted kind
 * @throws GoldenLogitsError `invalid-argument`
 */
export function refuseForeign(path: string, advice: string, isOurs = isCsvReport): void {
  const kind = foreignKind(path, isOurs)
  if (kind === undefined) return
  const message = `this ${kind} is not a report of golden-logits, so it is not overwritten; ${advice}`
  throw new GoldenLogitsError('invalid-argument', message, { file: path })
}

/** True if the first line is that of a report, of this version or of another. */
function isCsvReport(path: string): boolean {
  return /^\uFEFF?token_id,data_id,[^\n]*,verdict,pass,reason,/.test(beginningOf(path, 4096).toString())
}

/**
 * Deletes the report of an earlier run, so that nobody takes it for the report of this one.
 * @throws GoldenLogitsError `invalid-argument` if the file is not a report; an error of the file system
 */
export function clearTarget(path: string, advice: string, isOurs = isCsvReport): void {
  refuseForeign(path, advice, isOurs)
  if (entryAt(path, lstatSync)) unlinkSync(path)
}
