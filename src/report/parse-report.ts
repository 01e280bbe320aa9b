import { PERCENTS } from '../compare/statistics.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { counted } from '../lib/number-text.js'
import { checkSchema, reportSchema, SchemaError } from './check-schema.js'
import { REPORT_FORMAT, REPORT_VERSION, type ReportDocument } from './document.js'

/**
 * Reads a report that `jsonLines` wrote. What is in the file is checked by the schema of reports.
 * @param file for messages
 * @throws GoldenLogitsError `unsupported-format`
 */
export function parseReport(file: string, text: string): ReportDocument {
  let value: Partial<ReportDocument> | null
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw bad(file, `it is not JSON (${error instanceof Error ? error.message : error}): was it cut off?`)
  }
  if (typeof value !== 'object' || value === null || value.format !== REPORT_FORMAT) {
    throw bad(
      file,
      'it is not a report of golden-logits: expected the JSON that the reporter or the command compare writes',
    )
  }
  if (value.version !== REPORT_VERSION) {
    throw bad(file, `it is a report of version ${printable(String(value.version), 40)}, expected ${REPORT_VERSION}`)
  }
  const report = checked(file, value)
  for (const { title, tokens, verdicts, statistics, together } of report.comparisons) {
    for (const facts of [statistics, together?.statistics]) {
      const lists = facts ? [facts.klPercentiles, ...(facts.metrics ?? []).map(({ percentiles }) => percentiles)] : []
      const absent = PERCENTS.find((percent) => lists.some((list) => list.every((one) => one.percent !== percent)))
      if (absent === undefined) continue
      throw bad(
        file,
        `${printable(title, 200)}: a list of percentiles in its statistics lacks that of ${absent} %: was it edited?`,
      )
    }
    const count = Object.values(verdicts).reduce((sum, tokensOfVerdict) => sum + tokensOfVerdict, 0)
    if (count === tokens.length) continue
    const message = `${printable(title, 200)}: there are ${counted(tokens.length, 'token')}, and verdicts of ${count}: was it edited?`
    throw bad(file, message)
  }
  return report
}

function checked(file: string, value: unknown): ReportDocument {
  try {
    return checkSchema(value, reportSchema()) as ReportDocument
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    throw bad(file, `${printable(error.message, 300)} (golden-logits/report.schema.json): was it edited?`)
  }
}

function bad(file: string, message: string): GoldenLogitsError {
  return new GoldenLogitsError('unsupported-format', message, { file })
}
