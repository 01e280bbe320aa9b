import { closeSync, openSync, readSync } from 'node:fs'

/** A line of a file, and the range of its bytes in the file. */
interface PlacedLine {
  readonly line: string
  readonly from: number
  /** After the newline. */
  readonly to: number
  /** False if the newline is missing. */
  readonly isComplete: boolean
}

/** The lines of a file or of a byte range of it, one in memory at a time. The last may lack its newline. */
export function* linesOf(file: string, start = 0, end = Number.MAX_SAFE_INTEGER): Iterable<PlacedLine> {
  const descriptor = openSync(file, 'r')
  try {
    const chunk = Buffer.allocUnsafe(1 << 16)
    let rest = Buffer.alloc(0)
    let at = start
    for (let position = start; position < end; ) {
      const count = readSync(descriptor, chunk, 0, Math.min(chunk.length, end - position), position)
      if (count === 0) break
      position += count
      let bytes = Buffer.concat([rest, chunk.subarray(0, count)])
      for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10)) {
        yield { line: bytes.toString('utf8', 0, newline), from: at, to: at + newline + 1, isComplete: true }
        at += newline + 1
        bytes = bytes.subarray(newline + 1)
      }
      rest = bytes
    }
    if (rest.length > 0) yield { line: rest.toString('utf8'), from: at, to: at + rest.length, isComplete: false }
  } finally {
    closeSync(descriptor)
  }
}
