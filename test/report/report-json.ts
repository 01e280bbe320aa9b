import type { ReportDocument } from '../../src/report/document.js'
import { jsonLines } from '../../src/report/json.js'

export function reportJson(report: ReportDocument): string {
  return [...jsonLines(report)].join('')
}
