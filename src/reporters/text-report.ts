import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { GoldenLogitsError } from '../errors.js'

/**
 * Writes a report that is one text (HTML or JSON), complete or not at all. A report of ours is replaced, another file never.
 * @throws GoldenLogitsError `invalid-argument` for a file that is not a report; an error of the file system
 */
export function writeTextReport(path: string, text: string): void {
  const before = startOf(path)
  if (before !== undefined && !isReport(before)) {
    const message = 'the file exists and is no report of golden-logits: delete it, or name another output'
    throw new GoldenLogitsError('invalid-argument', message, { file: path })
  }
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, text)
    renameSync(temporary, path)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Of JSON and Markdown. */
const BEGINNINGS = ['{"format":"golden-logits-report"', '### golden-logits: ']

/** True if a file begins as our JSON, Markdown or HTML reports do; an empty file has nothing to lose. */
function isReport(start: string): boolean {
  return start === '' || BEGINNINGS.some((text) => start.startsWith(text)) || PAGE.test(start)
}

/** The style sheet stands behind the title, so the title is near the start. */
const PAGE = /<title>[^<]*golden-logits: /

/** The first bytes of a file; undefined if there is none. */
function startOf(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(1024)
    return bytes.toString('latin1', 0, readSync(file, bytes))
  } finally {
    closeSync(file)
  }
}
