import { CSV_COLUMNS, csvLine } from '../report/csv.js'
import { RENDERINGS } from '../report/renderings.js'
import { byPlace } from '../report/rows.js'
import { type Losses, type ReportPart, type ReportSummary, spoolReport } from '../reporters/spool-report.js'
import { type Inputs, refuseOverlaps } from './inputs.js'
import { cellsIn, indexReport, type ReportSpan } from './read-report.js'

/** The rows of all inputs, in the order of a report. */
export interface Merged {
  readonly parts: ReportPart[]
  /** Of the runs without a report. */
  readonly losses: Losses
}

const NO_LOSSES: Losses = { rows: 0, isUnknown: false, tornLines: 0 }

/**
 * Puts the rows of several reports in the order that a single run would have used. Rows of CSVs are copied; only
 * their number of rows of the report changes.
 * @throws GoldenLogitsError `ambiguous-run` if two inputs have rows of the same test file; `unsupported-format`
 */
export function mergeInputs({ reports, runDirs }: Inputs): Merged {
  const fromReports = reports.map((input) => ({
    input,
    parts: indexReport(input, CSV_COLUMNS).map((span) => spanPart(input, span)),
    losses: NO_LOSSES,
  }))
  const fromRuns = runDirs.map((input) => ({ input, ...spoolReport(input, RENDERINGS.csv) }))
  const all = [...fromReports, ...fromRuns]
  const placed = all.map(({ input, parts }) => ({ input, places: parts.map(({ place }) => place) }))
  refuseOverlaps(placed, 'rows')
  return {
    parts: all.flatMap(({ parts }) => parts).sort((a, b) => byPlace(a.place, b.place)),
    losses: all.map(({ losses }) => losses).reduce(sumOf),
  }
}

function sumOf(a: Losses, b: Losses): Losses {
  return { rows: a.rows + b.rows, isUnknown: a.isUnknown || b.isUnknown, tornLines: a.tornLines + b.tornLines }
}

function spanPart(file: string, span: ReportSpan): ReportPart {
  return {
    place: span.place,
    rows: span.rows,
    *lines(summary: ReportSummary) {
      for (const cells of cellsIn(file, span.from, span.to)) yield csvLine([...cells.slice(0, -1), `${summary.total}`])
      summary.rows += span.rows
      summary.failed += span.failed
      summary.unfinished += span.unfinished
    },
  }
}
