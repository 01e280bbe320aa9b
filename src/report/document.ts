import { type RunStatistics, runStatistics } from '../compare/statistics.js'
import type { Counts, ListedComparison, Thresholds, TokenComparison } from '../compare/types.js'
import { failureText } from './message/failure.js'
import { passText } from './message/pass.js'

/** The first key of a report, by which its readers know it. */
export const REPORT_FORMAT = 'golden-logits-report'

/** Changes whenever a reader of the version before would misread the report. */
export const REPORT_VERSION = 1

/**
 * A report as data: JSON, and what the HTML page and the Markdown summary are rendered from. JSON has no NaN and infinities:
 * there they are the strings `NaN`, `Infinity` and `-Infinity`.
 */
export interface ReportDocument {
  readonly format: typeof REPORT_FORMAT
  readonly version: typeof REPORT_VERSION
  readonly comparisons: readonly ComparisonReport[]
}

/** One comparison of a report. */
export interface ComparisonReport {
  /** The name of the test, or the paths of both sides. */
  readonly title: string
  /** Absent if no test made the comparison. */
  readonly test?: TestReport
  readonly goldenPath: string
  readonly dumpPath: string
  readonly pass: boolean
  readonly counts: Counts
  readonly thresholds: Thresholds
  readonly notes: readonly { readonly weight: 'warning' | 'info'; readonly text: string }[]
  /** What the matcher prints. */
  readonly message: string
  /** Absent if no token was measured. */
  readonly statistics?: RunStatistics
  readonly tokens: readonly TokenComparison[]
}

/** The test that a comparison belongs to. */
export interface TestReport {
  readonly project: string
  readonly file: string
  readonly name: string
  /** Position among the comparisons of the test, from 1. */
  readonly ordinal: number
  readonly attempt: number
  readonly matcher: string
  readonly isNot: boolean
  readonly expectation: 'met' | 'not met' | 'error' | 'unfinished'
  readonly durationMs?: number
}

export function reportDocument(comparisons: readonly ComparisonReport[]): ReportDocument {
  return { format: REPORT_FORMAT, version: REPORT_VERSION, comparisons }
}

/** @param title of the comparison, where no test made it */
export function comparisonReport(comparison: ListedComparison, title: string): ComparisonReport {
  const { goldenPath, dumpPath, pass, counts, thresholds, notes, warnings } = comparison
  const tokens = [...comparison.tokens]
  const statistics = runStatistics(tokens)
  return {
    title,
    goldenPath,
    dumpPath,
    pass,
    counts,
    thresholds,
    notes: notes.map((text) => ({ weight: warnings.includes(text) ? 'warning' : 'info', text })),
    message: pass ? passText(comparison) : failureText(comparison),
    ...(statistics && { statistics }),
    tokens,
  }
}
