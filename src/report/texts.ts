import type { ReportDocument } from './document.js'
import { htmlPage } from './html/page.js'
import { reportJson } from './json.js'
import { reportJunit } from './junit.js'
import { reportMarkdown } from './markdown.js'

/** Every form of a report that is one text, by file extension. */
export const TEXT_RENDERINGS: ReadonlyMap<string, (report: ReportDocument) => string> = new Map([
  ['.html', htmlPage],
  ['.json', reportJson],
  ['.md', reportMarkdown],
  ['.xml', reportJunit],
])
