import { writeSync } from 'node:fs'
import { isAbsolute, relative, resolve } from 'node:path'
import { printable } from '../errors.js'
import { counted } from '../lib/number-text.js'
import type { Losses, ReportSummary } from './spool-report.js'

/** One line about a report. */
export function summaryText(path: string, { rows, failed, unfinished }: ReportSummary, losses: Losses): string {
  const parts = [counted(rows, 'row'), `${failed} failed`]
  if (unfinished > 0) parts.push(counted(unfinished, 'unfinished comparison'))
  parts.push(...lossTexts(losses))
  return `${wholePath(path)} (${parts.join(', ')})`
}

/** What is missing in a report; none if it has every row of the run. */
export function lossTexts({ rows, isUnknown, tornLines }: Losses): string[] {
  const texts: string[] = []
  if (rows > 0) texts.push(`${counted(rows, 'row')} lost`)
  if (isUnknown) texts.push('an unknown number of rows lost')
  if (tornLines > 0) texts.push(`${counted(tornLines, 'torn line')} left out`)
  return texts
}

/** A path that can be copied: absolute, and not shortened. */
export function wholePath(path: string): string {
  return printable(resolve(path), Number.POSITIVE_INFINITY)
}

/** The same, relative to the working directory if it is inside: for lists of many paths. */
export function fromHere(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') || isAbsolute(short)
    ? wholePath(path)
    : printable(short, Number.POSITIVE_INFINITY)
}

/** Prints to stderr synchronously: stdout may carry a runner's JSON, and a stream may not be flushed at exit. */
export function say(text: string): void {
  writeSync(2, `golden-logits: ${text}\n`)
}

/** Prints to stderr. If that is closed or its pipe is full, the line is lost, and the test goes on. */
export function printLine(text: string): void {
  try {
    say(text)
  } catch {
    // The same problem would meet a message about it.
  }
}
