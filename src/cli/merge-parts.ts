import { GoldenLogitsError, printable } from '../errors.js'
import { linesOf } from '../io/lines.js'
import { CSV_COLUMNS } from '../report/csv.js'
import { RENDERINGS } from '../report/renderings.js'
import { byPlace } from '../report/rows.js'
import { type ReportPart, type ReportSummary, spoolReport } from '../reporters/spool-report.js'
import type { Inputs } from './inputs.js'
import { indexReport, type ReportSpan } from './read-report.js'

/** The rows of all inputs, in the order of a report. */
export interface Merged {
  readonly parts: ReportPart[]
  readonly tornLines: number
}

/**
 * Puts the rows of several reports in the order that a single run would have used. Rows of CSVs are copied unchanged.
 * @throws GoldenLogitsError `ambiguous-run` if two inputs have rows of the same test file; `unsupported-format`
 */
export function mergeInputs({ reports, runDirs }: Inputs): Merged {
  const fromReports = reports.map((input) => ({
    input,
    parts: indexReport(input, CSV_COLUMNS).map((span) => spanPart(input, span)),
    tornLines: 0,
  }))
  const fromRuns = runDirs.map((input) => ({ input, ...spoolReport(input, RENDERINGS.csv) }))
  const all = [...fromReports, ...fromRuns]
  refuseOverlaps(all)
  return {
    parts: all.flatMap(({ parts }) => parts).sort((a, b) => byPlace(a.place, b.place)),
    tornLines: all.reduce((sum, { tornLines }) => sum + tornLines, 0),
  }
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
      const test = `${printable(place.file)}${place.project === '' ? '' : ` of the project ${printable(place.project)}`}`
      const message = `has rows of ${test}, and so does ${printable(owner, 300)}; give only the one that counts`
      throw new GoldenLogitsError('ambiguous-run', message, { file: input })
    }
  }
}

function spanPart(file: string, span: ReportSpan): ReportPart {
  return {
    place: span.place,
    *lines(summary: ReportSummary) {
      for (const { line } of linesOf(file, span.from, span.to)) yield `${line}\n`
      summary.rows += span.rows
      summary.failed += span.failed
      summary.unfinished += span.unfinished
    },
  }
}
