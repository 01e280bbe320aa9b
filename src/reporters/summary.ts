import { writeSync } from 'node:fs'
import { isAbsolute, relative } from 'node:path'
import { printable } from '../errors.js'
import type { ReportSummary } from './spool-report.js'

/** One line about a report. */
export function summaryText(path: string, { rows, failed, unfinished }: ReportSummary, tornLines: number): string {
  const parts = [`${rows} ${rows === 1 ? 'row' : 'rows'}`, `${failed} failed`]
  if (unfinished > 0) parts.push(`${unfinished} unfinished ${unfinished === 1 ? 'comparison' : 'comparisons'}`)
  if (tornLines > 0) parts.push(`${tornLines} torn ${tornLines === 1 ? 'line' : 'lines'} left out`)
  return `${fromHere(path)} (${parts.join(', ')})`
}

/** A path relative to the working directory if it is inside; never shortened, because users copy it. */
export function fromHere(path: string): string {
  const short = relative(process.cwd(), path)
  return printable(short === '' || short.startsWith('..') || isAbsolute(short) ? path : short, Number.POSITIVE_INFINITY)
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
