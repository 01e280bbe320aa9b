import { beginningOf } from '../io/beginning.js'
import { JUNIT_HEAD } from '../report/junit.js'
import { publishLines } from './publish.js'
import { refuseForeign } from './target.js'

/**
 * Writes a report that is one text (HTML, JSON, Markdown or JUnit XML), complete or not at all. A report of ours is replaced,
 * another file never.
 * @param advice what the user can do if the file is not a report
 * @throws GoldenLogitsError `invalid-argument` for a file that is not a report; an error of the file system
 */
export function writeTextReport(path: string, pieces: Iterable<string>, advice: string): void {
  refuseForeign(path, advice, isTextReport)
  publishLines({ path, replace: true }, pieces)
}

/** Of JSON, Markdown and JUnit XML. */
const BEGINNINGS = ['{"format":"golden-logits-report"', '### golden-logits: ', JUNIT_HEAD]

/** True if a file begins as our reports do. */
export function isTextReport(path: string): boolean {
  const start = beginningOf(path, 1024).toString()
  return BEGINNINGS.some((text) => start.startsWith(text)) || PAGE.test(start)
}

/** The style sheet stands behind the title, so the title is near the start. */
const PAGE = /<title>[^<]*golden-logits: /
