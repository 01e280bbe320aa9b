import { appendFileSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { GoldenLogitsError } from '../errors.js'
import { makeFolder } from '../lib/make-folder.js'

/**
 * Appends a line of JSON to a file in the folder of a run. It begins with a line end, so that a line of which a full disk took
 * only a part is not continued.
 * @throws GoldenLogitsError `write-failed`
 */
export function appendRunLine(file: string, value: unknown): void {
  try {
    makeFolder(dirname(file))
    appendFileSync(file, `\n${JSON.stringify(value)}\n`)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const message = `which test uses which snapshot cannot be recorded (${code}); free disk space, or grant write permission`
    throw new GoldenLogitsError('write-failed', message, { file, cause })
  }
}

/**
 * The values in such a file; none if there is no file. A line that is not complete is left out: its test has failed.
 * @param isValue returns whether a line holds what tests write
 * @throws GoldenLogitsError `read-failed` for a complete line with another value
 */
export function readRunLines<T>(file: string, isValue: (value: unknown) => value is T): T[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  // The last line has no end while another worker writes it, or if that worker was killed.
  const values = text.split('\n').slice(0, -1).flatMap(parsed)
  if (values.every(isValue)) return values
  const message =
    'holds a line that golden-logits does not write, so which test uses which snapshot is not known; run the tests again'
  throw new GoldenLogitsError('read-failed', message, { file })
}

function parsed(line: string): unknown[] {
  try {
    return line === '' ? [] : [JSON.parse(line)]
  } catch {
    return []
  }
}
