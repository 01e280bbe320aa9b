import type { ReportDocument } from '../report/document.js'

/** A wrong command line; its message is printed with a pointer to `--help`. */
export class UsageError extends Error {}

/** If a command gets more paths than it takes. */
export const QUOTE_ADVICE = 'If the shell made several paths of a pattern, put it in quotes.'

/** If the path of the option `--output` is a file that is not a report. */
export const OUTPUT_ADVICE = 'delete it, or name another --output'

/** What a command does besides its work. */
export interface CommandIo {
  /** Prints to stdout. */
  readonly print: (text: string) => void
  /** Prints a report as JSON to stdout. */
  readonly json: (report: ReportDocument) => void
  /** Prints a line to stderr. */
  readonly say: (line: string) => void
  /** Sets the exit code. */
  readonly exit: (code: number) => void
}
