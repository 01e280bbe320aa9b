import type { ReportDocument } from './document.js'
import { htmlPage } from './html/page.js'
import { jsonLines } from './json.js'
import { reportJunit } from './junit.js'
import { reportMarkdown } from './markdown.js'

/** Every form of a report that is one text, in pieces, by file extension. */
export const TEXT_RENDERINGS: ReadonlyMap<string, (report: ReportDocument) => Iterable<string>> = new Map([
  ['.html', inOnePiece(htmlPage)],
  ['.json', jsonLines],
  ['.md', inOnePiece(reportMarkdown)],
  ['.xml', inOnePiece(reportJunit)],
])

function inOnePiece(render: (report: ReportDocument) => string): (report: ReportDocument) => Iterable<string> {
  return (report) => [render(report)]
}
