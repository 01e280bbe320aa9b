import { existsSync } from 'node:fs'
import { GoldenLogitsError } from '../errors.js'
import { publishLines } from './publish.js'
import { beginningOf } from './target.js'

/**
 * Writes a report that is one text (HTML or JSON), complete or not at all. A report of ours is replaced, another file never.
 * @throws GoldenLogitsError `invalid-argument` for a file that is not a report; an error of the file system
 */
export function writeTextReport(path: string, text: string): void {
  if (existsSync(path) && !isReport(beginningOf(path, 1024))) {
    const message = 'the file exists and is no report of golden-logits: delete it, or name another output'
    throw new GoldenLogitsError('invalid-argument', message, { file: path })
  }
  publishLines({ path, replace: true }, [text])
}

/** Of JSON and Markdown. */
const BEGINNINGS = ['{"format":"golden-logits-report"', '### golden-logits: ']

/** True if a file begins as our JSON, Markdown or HTML reports do; an empty file has nothing to lose. */
function isReport(start: string): boolean {
  return start === '' || BEGINNINGS.some((text) => start.startsWith(text)) || PAGE.test(start)
}

/** The style sheet stands behind the title, so the title is near the start. */
const PAGE = /<title>[^<]*golden-logits: /
