import { GoldenLogitsError } from '../errors.js'
import { readBytes } from './byte-source.js'
import { openFile } from './file-source.js'
import { decodeUtf8 } from './utf8.js'

/** A line of a file, and the range of its bytes in the file. */
interface PlacedLine {
  /** What is not UTF-8 is replaced, see `isText`. */
  readonly line: string
  readonly from: number
  /** After the newline. */
  readonly to: number
  /** False if the newline is missing. */
  readonly isComplete: boolean
  /** False if the line is not UTF-8. */
  readonly isText: boolean
}

const CHUNK = 1 << 16

/** No line of a report or of the rows of a run comes near it. */
export const MOST_LINE = 16 * 2 ** 20

/**
 * The lines of a file or of a byte range of it, one in memory at a time. The last may lack its newline.
 * @throws GoldenLogitsError `limit-exceeded` for a line over `MOST_LINE` bytes, and what `openFile` throws
 */
export function* linesOf(file: string, start = 0, end = Number.POSITIVE_INFINITY): Iterable<PlacedLine> {
  const source = openFile(file)
  try {
    const stop = Math.min(end, source.size)
    let [parts, length, from]: [Uint8Array[], number, number] = [[], 0, start]
    const take = (isComplete: boolean): PlacedLine => {
      const bytes = Buffer.concat(parts)
      const to = from + length + (isComplete ? 1 : 0)
      const text = decodeUtf8(bytes)
      const placed = { line: text ?? bytes.toString('utf8'), from, to, isComplete, isText: text !== undefined }
      ;[parts, length, from] = [[], 0, to]
      return placed
    }
    const add = (part: Uint8Array) => {
      parts.push(part)
      length += part.length
      if (length <= MOST_LINE) return
      const message = `the line at byte ${from} has more than ${MOST_LINE} bytes, which golden-logits never writes: is this another file?`
      throw new GoldenLogitsError('limit-exceeded', message, { file, offset: from })
    }
    for (let position = start; position < stop; position += CHUNK) {
      const bytes = readBytes(source, position, Math.min(CHUNK, stop - position))
      let begin = 0
      for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, begin)) {
        add(bytes.subarray(begin, newline))
        yield take(true)
        begin = newline + 1
      }
      add(bytes.subarray(begin))
    }
    if (length > 0) yield take(false)
  } finally {
    source.close()
  }
}
