import { compareNames } from '../io/name-order.js'
import {
  byCodeUnit,
  byPlace,
  type ComparisonRow,
  type Problem,
  type Rendering,
  type TestPlace,
} from '../report/rows.js'
import type { ReportedWarning } from './fold-warnings.js'
import { indexSpool, type SpooledComparison, spooledTokens } from './spool-reader.js'

/** The part of a report that one comparison makes. */
export interface ReportPart {
  readonly place: TestPlace
  /** Its rows as text, each counted in the summary. */
  readonly lines: (summary: ReportSummary) => Iterable<string>
}

/** What a report holds. */
export interface ReportSummary {
  rows: number
  /** Rows that fail, except those of a comparison that the test expected to fail (`.not`). */
  failed: number
  /** Comparisons that began and never ended. */
  unfinished: number
}

interface SpoolReport {
  readonly parts: ReportPart[]
  readonly warnings: ReportedWarning[]
  readonly tornLines: number
}

/** The report of the rows that a run's workers left, in order. Incomplete lines of a killed worker are left out and counted. */
export function spoolReport(runDir: string, rendering: Rendering): SpoolReport {
  const { comparisons, tornLines } = indexSpool(runDir)
  const last = lastAttempts(comparisons)
  const parts = last.map((counted) => ({
    place: counted.comparison.started,
    lines: (summary: ReportSummary) => linesOf(counted, rendering, summary),
  }))
  const warnings = last.flatMap(({ comparison: { started, finished } }) => {
    const { file, test } = started
    return (finished?.warnings ?? []).map((text) => ({ text, file, test }))
  })
  return { parts, warnings, tornLines }
}

/** All lines of a report. */
export function* reportLines(
  rendering: Rendering,
  parts: readonly ReportPart[],
  summary: ReportSummary,
): Iterable<string> {
  yield rendering.header
  for (const { lines } of parts) yield* lines(summary)
}

function* linesOf({ comparison, attempt }: Counted, rendering: Rendering, summary: ReportSummary): Iterable<string> {
  const { started, finished, thresholds } = comparison
  const row: ComparisonRow = {
    ...started,
    attempt,
    ...(thresholds && { thresholds }),
    ...(finished && { expectation: finished.expectation, durationMs: finished.durationMs }),
    ...(finished?.notes && { notes: finished.notes }),
  }
  const isMet = finished?.expectation === 'met'
  for (const token of spooledTokens(comparison)) {
    summary.rows++
    if (!isMet && !token.pass) summary.failed++
    yield rendering.row({ comparison: row, token })
  }
  if (!finished) summary.unfinished++
  const problem = problemOf(comparison)
  if (!problem) return
  summary.rows++
  summary.failed++
  yield rendering.row({ comparison: row, problem })
}

/** A comparison that failed to run, or did not end, gets a row that says so. */
function problemOf({ finished }: SpooledComparison): Problem | undefined {
  if (!finished) return { verdict: 'unfinished', reason: 'the comparison began but did not end: its worker died' }
  return finished.expectation === 'error' ? { verdict: 'error', reason: finished.error ?? '' } : undefined
}

/** A comparison of the attempt that counts. */
interface Counted {
  readonly comparison: SpooledComparison
  /** The attempt, from 1: retries, repeats, and each time that the runner ran the file again. */
  readonly attempt: number
}

/**
 * The comparisons of each test's last attempt, so that a test counts once if it was retried, or if its worker died and the
 * runner ran it again. If the runner was not sure which test it was, no comparison is taken for an earlier attempt. Sorted
 * by project, file, test and ordinal, because the order of workers differs from run to run.
 */
function lastAttempts(comparisons: readonly SpooledComparison[]): Counted[] {
  const tests = new Map<string, Map<string, SpooledComparison[]>>()
  for (const comparison of comparisons) {
    const { project, file, test, testId, testIsSure, attempt, id } = comparison.started
    const key = [project, file, test, testId, testIsSure ? '' : id].join('\n')
    const attempts = entry(tests, key, () => new Map<string, SpooledComparison[]>())
    entry(attempts, `${comparison.file}\n${attempt}`, () => [] as SpooledComparison[]).push(comparison)
  }
  return [...tests.values()].flatMap(lastOf).sort(byTest)
}

function lastOf(attempts: ReadonlyMap<string, readonly SpooledComparison[]>): Counted[] {
  const last = [...attempts.values()].reduce((a, b) => (startOf(b) >= startOf(a) ? b : a))
  // If the runner runs a file again, it counts attempts from 1 again.
  return last.map((comparison) => ({ comparison, attempt: Math.max(attempts.size, comparison.started.attempt) }))
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

function startOf(attempt: readonly SpooledComparison[]): number {
  return attempt.reduce((latest, { started }) => Math.max(latest, started.at), 0)
}

function byTest({ comparison: { started: a } }: Counted, { comparison: { started: b } }: Counted): number {
  return byPlace(a, b) || byCodeUnit(a.test, b.test) || compareNames(a.testId, b.testId) || a.ordinal - b.ordinal
}
