import { GoldenLogitsError } from '../errors.js'
import {
  type ComparisonReport,
  type ReportDocument,
  reportByRun,
  reportDocument,
  tokensReport,
  weighed,
} from '../report/document.js'
import { type ComparisonRow, comparisonTitle, type Problem, type Rendering, type TestPlace } from '../report/rows.js'
import { type Counted, lastAttempts } from './attempts.js'
import type { ReportedWarning } from './fold-warnings.js'
import { klLines } from './kl-lines.js'
import { hasOneProject, isMarkedIncomplete } from './run-dirs.js'
import type { StartedLine } from './spool.js'
import { lostRowsIn } from './spool-file.js'
import { indexSpool, type SpooledComparison, spooledTokens } from './spool-reader.js'
import { worstFirst } from './worst-first.js'

/** Rows of a report that belong together: the rows of one comparison, or of one test file in another report. */
export interface ReportPart {
  readonly place: TestPlace
  /** Number of its rows. */
  readonly rows: number
  /** Its rows as text, each counted in the summary. */
  readonly lines: (summary: ReportSummary) => Iterable<string>
}

/** What a report holds. */
export interface ReportSummary {
  /** Number of rows that the report has in the end. */
  readonly total: number
  rows: number
  /** Rows that fail, unless the test expected the comparison to fail (`.not`). */
  failed: number
  /** Comparisons that began and never ended. */
  unfinished: number
}

/** What a run left behind, apart from the rows. */
export interface Losses {
  /** Rows that could not be written. */
  readonly rows: number
  /** True if rows are missing, and nobody knows how many. */
  readonly isUnknown: boolean
  /** Incomplete lines: a worker was killed while it wrote. */
  readonly tornLines: number
}

export interface SpoolReport {
  readonly parts: ReportPart[]
  /** The comparisons as data, with all tokens in memory. */
  readonly document: () => ReportDocument
  readonly warnings: ReportedWarning[]
  /** The comparisons whose expectations are not met, the worst first. */
  readonly failing: () => readonly StartedLine[]
  /** The KL divergence by token of each comparison, as lines. */
  readonly klLines: () => string[]
  readonly losses: Losses
}

/** Whether the runner says that a test passed. */
export type HasPassed = (test: StartedLine) => boolean

/** The report of the rows that a run's workers left, in order. Incomplete lines of a killed worker are left out and counted. */
export function spoolReport(runDir: string, rendering: Rendering, hasPassed: HasPassed = () => false): SpoolReport {
  const { comparisons, tornLines } = indexSpool(runDir)
  const last = lastAttempts(comparisons, hasOneProject(runDir))
  const parts = last.map((counted): ReportPart => {
    const { started, tokens } = counted.comparison
    const rows = tokens + (problemOf(counted.comparison) ? 1 : 0)
    return { place: started, rows, lines: (summary) => linesOf(counted, rendering, summary, hasPassed) }
  })
  const warnings = last.flatMap(({ comparison: { started, finished } }) => {
    const { file, test } = started
    return (finished?.warnings ?? []).map((text) => ({ text, file, test }))
  })
  const lostRows = last.reduce((sum, { comparison: { lost } }) => sum + (lost?.rows ?? 0), lostRowsIn(runDir).rows)
  const losses = { rows: lostRows, isUnknown: isMarkedIncomplete(runDir), tornLines }
  const document = () => reportDocument(last.flatMap((counted) => reportByRun(comparisonOf(counted, hasPassed))))
  const judged = last.map((counted) => ({
    comparison: counted.comparison,
    isMet: expectationOf(counted.comparison, hasPassed) === 'met',
  }))
  return {
    parts: parts.filter(({ rows }) => rows > 0),
    document,
    warnings,
    failing() {
      const failing = judged.filter(({ isMet }) => !isMet).map(({ comparison }) => comparison)
      return worstFirst(failing).map(({ started }) => started)
    },
    klLines: () => klLines(judged),
    losses,
  }
}

function comparisonOf({ comparison, attempt }: Counted, hasPassed: HasPassed): ComparisonReport {
  const { started, finished, thresholds, metrics } = comparison
  const { project, file, test: name, ordinal, repetition, matcher, isNot } = started
  const expectation = expectationOf(comparison, hasPassed) ?? 'unfinished'
  const problem = problemOf(comparison)
  const tokens = Array.from(spooledTokens(comparison), ({ index: _, types: __, ...token }) => token)
  return {
    title: comparisonTitle(started),
    test: {
      ...{ project, file, name, ordinal, repetition, attempt, matcher, isNot, expectation },
      ...(expectation !== 'met' && hasPassed(started) && { hasPassed: true as const }),
      ...(finished && { durationMs: finished.durationMs }),
    },
    pass: expectation === 'met' || hasPassed(started),
    ...(finished?.inconclusive !== undefined && { inconclusive: finished.inconclusive }),
    ...(finished?.wholeFailure !== undefined && { wholeFailure: finished.wholeFailure }),
    ...(thresholds && { thresholds }),
    ...(metrics && { metrics }),
    notes: weighed(finished?.notes ?? [], finished?.warnings ?? []),
    ...(problem && { problem }),
    ...tokensReport(tokens),
  }
}

/** All lines of a report. */
export function* reportLines(
  rendering: Rendering,
  parts: readonly ReportPart[],
  summary: ReportSummary,
): Iterable<string> {
  yield rendering.header
  for (const { lines } of parts) yield* lines(summary)
  if (summary.rows === summary.total) return
  const message = `${summary.rows} rows were read instead of ${summary.total}: the rows of the run have changed meanwhile`
  throw new GoldenLogitsError('file-changed', message)
}

function* linesOf(
  { comparison, attempt }: Counted,
  rendering: Rendering,
  summary: ReportSummary,
  hasPassed: HasPassed,
): Iterable<string> {
  const { started, finished, thresholds } = comparison
  const expectation = expectationOf(comparison, hasPassed)
  const row: ComparisonRow = {
    ...started,
    attempt,
    ...(thresholds && { thresholds }),
    ...(expectation && { expectation }),
    ...(finished && { durationMs: finished.durationMs }),
    ...(finished?.notes && { notes: finished.notes }),
  }
  const isMet = expectation === 'met'
  const reportRows = summary.total
  for (const token of spooledTokens(comparison)) {
    summary.rows++
    if (!isMet && !token.pass) summary.failed++
    yield rendering.row({ comparison: row, token, reportRows })
  }
  const problem = problemOf(comparison)
  if (!problem) return
  summary.rows++
  if (problem.verdict === 'unfinished') summary.unfinished++
  if (!isMet) summary.failed++
  yield rendering.row({ comparison: row, problem, reportRows })
}

/** An error of `loadDump` is what a test expects if the test passes. */
function expectationOf({ started, finished }: SpooledComparison, hasPassed: HasPassed): ComparisonRow['expectation'] {
  if (started.matcher === 'loadDump' && hasPassed(started)) return 'met'
  return finished?.expectation
}

/** A comparison that has no tokens, did not end, or failed for another reason than its tokens gets a row that says so. */
function problemOf({ started, finished, lost }: SpooledComparison): Problem | undefined {
  if (lost) return { verdict: 'lost', reason: `its ${lost.rows} rows could not be written: ${lost.error}` }
  if (!finished) return { verdict: 'unfinished', reason: 'the comparison began but did not end: its worker died' }
  if (finished.error === undefined) return undefined
  return { verdict: started.matcher === 'loadDump' ? 'unreadable' : 'error', reason: finished.error }
}
