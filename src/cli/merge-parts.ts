import { GoldenLogitsError, printable } from '../errors.js'
import { linesOf } from '../io/lines.js'
import { byPlace } from '../report/row-order.js'
import { COLUMNS } from '../reporters/columns.js'
import { type ReportPart, type ReportSummary, spoolReport } from '../reporters/spool-report.js'
import type { Inputs } from './inputs.js'
import { indexReport, type ReportSpan } from './read-report.js'

/** What all inputs together hold, in the order of a report. */
export interface Merged {
  readonly parts: ReportPart[]
  readonly tornLines: number
}

/**
 * Puts the rows of several reports in the order that one run would have put them. Every row is taken as it is.
 * @throws GoldenLogitsError `ambiguous-run` where two inputs hold rows of the same test file; `unsupported-format`
 */
export function mergeInputs({ reports, runDirs }: Inputs): Merged {
  const fromReports = reports.map((input) => ({
    input,
    parts: indexReport(input, COLUMNS).map((span) => spanPart(input, span)),
    tornLines: 0,
  }))
  const fromRuns = runDirs.map((input) => ({ input, ...spoolReport(input) }))
  const all = [...fromReports, ...fromRuns]
  refuseOverlaps(all)
  return {
    parts: all.flatMap(({ parts }) => parts).sort((a, b) => byPlace(a.place, b.place)),
    tornLines: all.reduce((sum, { tornLines }) => sum + tornLines, 0),
  }
}

/** A row that is there twice would count twice; which of the two is right, only the user knows. */
function refuseOverlaps(inputs: readonly { input: string; parts: readonly ReportPart[] }[]): void {
  const owners = new Map<string, string>()
  for (const { input, parts } of inputs) {
    for (const { place } of parts) {
      const key = `${place.project}\n${place.file}`
      const owner = owners.get(key) ?? input
      owners.set(key, owner)
      if (owner === input) continue
      const test = `${printable(place.file)}${place.project === '' ? '' : ` of the project ${printable(place.project)}`}`
      const message = `holds rows of ${test}, and so does ${printable(owner, 300)}; name the one that counts`
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
