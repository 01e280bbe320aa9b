import { GoldenLogitsError, printable } from '../errors.js'
import { CSV_COLUMNS, csvLine } from '../report/csv.js'
import { RENDERINGS } from '../report/renderings.js'
import { byPlace } from '../report/rows.js'
import { type Losses, type ReportPart, type ReportSummary, spoolReport } from '../reporters/spool-report.js'
import type { Inputs } from './inputs.js'
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
  refuseOverlaps(all)
  return {
    parts: all.flatMap(({ parts }) => parts).sort((a, b) => byPlace(a.place, b.place)),
    losses: all.map(({ losses }) => losses).reduce(sumOf),
  }
}

function sumOf(a: Losses, b: Losses): Losses {
  return { rows: a.rows + b.rows, isUnknown: a.isUnknown || b.isUnknown, tornLines: a.tornLines + b.tornLines }
}

/** A test file in two inputs would count twice, and only the user knows which one is right. */
function refuseOverlaps(inputs: readonly { input: string; parts: readonly ReportPart[] }[]): void {
  const owners = new Map<string, string>()
  for (const { input, parts } of inputs) {
    for (const { place } of parts) {
      const key = `${place.project}\n${place.file}`
      const owner = owners.get(key) ?? input
      owners.set(key, owner)
      if (owner === input) continue
      if (place.file === '') {
        const message = `holds comparisons that no test made, and so does ${printable(owner, 300)}: merge joins the reports of test runs, each with its own test files`
        throw new GoldenLogitsError('ambiguous-run', message, { file: input })
      }
      const test = `${printable(place.file)}${place.project === '' ? '' : ` of the project ${printable(place.project)}`}`
      const message = `has rows of ${test}, and so does ${printable(owner, 300)}; give only the one that counts`
      throw new GoldenLogitsError('ambiguous-run', message, { file: input })
    }
  }
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
