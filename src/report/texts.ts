import type { ReportDocument } from './document.js'
import { htmlPage } from './html/page.js'
import { reportJson } from './json.js'
import { reportJunit } from './junit.js'
import { reportMarkdown } from './markdown.js'

/** Every form of a report that is one text, by file extension. */
export const TEXT_RENDERINGS = {
  '.html': htmlPage,
  '.json': reportJson,
  '.md': reportMarkdown,
  '.xml': reportJunit,
} satisfies Record<string, (report: ReportDocument) => string>

/** @param extension with its dot; undefined if no text has it */
export function textRendering(extension: string): ((report: ReportDocument) => string) | undefined {
  return Object.hasOwn(TEXT_RENDERINGS, extension)
    ? TEXT_RENDERINGS[extension as keyof typeof TEXT_RENDERINGS]
    : undefined
}
