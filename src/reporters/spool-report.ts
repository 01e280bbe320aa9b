import { GoldenLogitsError } from '../errors.js'
import { csvLine } from '../report/csv-cells.js'
import type { TestPlace } from '../report/row-order.js'
import { TOKEN_COLUMNS } from '../report/token-columns.js'
import { bareCells, COLUMNS, testCells } from './columns.js'
import { indexSpool, tokenRows } from './spool-reader.js'
import { lastAttempts, type Winner } from './winners.js'

/** The part of a report that one comparison makes. */
export interface ReportPart {
  readonly place: TestPlace
  /** Its rows, as lines of CSV, each counted in the summary. */
  readonly lines: (summary: ReportSummary) => Iterable<string>
}

/** What a report holds. */
export interface ReportSummary {
  rows: number
  /** Rows that fail, but for those that a test wanted to (`.not`). */
  failed: number
  /** Comparisons that began and never ended. */
  unfinished: number
}

/** The report of what a run's workers left, in its order. Lines that a killed worker tore are left out, and counted. */
export function spoolReport(runDir: string): { parts: ReportPart[]; tornLines: number } {
  const { comparisons, tornLines } = indexSpool(runDir)
  const parts = lastAttempts(comparisons).map((winner) => ({
    place: winner.comparison.started,
    lines: (summary: ReportSummary) => linesOf(winner, summary),
  }))
  return { parts, tornLines }
}

/** A whole report. */
export function* reportLines(parts: readonly ReportPart[], summary: ReportSummary): Iterable<string> {
  yield csvLine(COLUMNS)
  for (const { lines } of parts) yield* lines(summary)
}

function* linesOf(winner: Winner, summary: ReportSummary): Iterable<string> {
  const test = testCells(winner)
  const isMet = winner.comparison.finished?.expectation === 'met'
  if (!winner.comparison.finished) summary.unfinished++
  for (const cells of rowsOf(winner)) {
    summary.rows++
    if (!isMet && cells[PASS] !== 'true') summary.failed++
    yield csvLine([...cells, ...test])
  }
}

const PASS = TOKEN_COLUMNS.indexOf('pass')

/** Its tokens; and one row that says so where it made none, or did not end. */
function* rowsOf({ comparison }: Winner): Iterable<readonly string[]> {
  for (const cells of tokenRows(comparison)) {
    if (cells.length !== TOKEN_COLUMNS.length) {
      const message = `its rows have ${cells.length} cells instead of ${TOKEN_COLUMNS.length}: another version of golden-logits wrote them`
      throw new GoldenLogitsError('unsupported-format', message, { file: comparison.file })
    }
    yield cells
  }
  const { finished } = comparison
  if (!finished) yield bareCells('unfinished', 'the comparison began but did not end: its worker died')
  else if (finished.expectation === 'error') yield bareCells('error', finished.error ?? '')
}
