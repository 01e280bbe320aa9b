import { beginningOf } from '../io/beginning.js'
import { publishLines } from './publish.js'
import { refuseForeign } from './target.js'

/**
 * Writes a report that is one text (HTML or JSON), complete or not at all. A report of ours is replaced, another file never.
 * @param advice what the user can do if the file is not a report
 * @throws GoldenLogitsError `invalid-argument` for a file that is not a report; an error of the file system
 */
export function writeTextReport(path: string, text: string, advice: string): void {
  refuseForeign(path, advice, isTextReport)
  publishLines({ path, replace: true }, [text])
}

/** Of JSON and Markdown. */
const BEGINNINGS = ['{"format":"golden-logits-report"', '### golden-logits: ']

/** True if a file begins as our JSON, Markdown or HTML reports do. */
export function isTextReport(path: string): boolean {
  const start = beginningOf(path, 1024).toString()
  return BEGINNINGS.some((text) => start.startsWith(text)) || PAGE.test(start)
}

/** The style sheet stands behind the title, so the title is near the start. */
const PAGE = /<title>[^<]*golden-logits: /
