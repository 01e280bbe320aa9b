import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { FinishedLine, SpoolLine, StartedLine } from './spool.js'

/** One comparison in a spool file: what its first and last lines say, and where the lines of its tokens lie. */
export interface SpooledComparison {
  readonly started: StartedLine
  /** Absent where the worker ended before the comparison did. */
  finished?: FinishedLine
  readonly file: string
  /** Byte range of the lines between. */
  readonly from: number
  to: number
}

export interface SpoolIndex {
  comparisons: SpooledComparison[]
  /** Lines that are not whole: a worker was killed while it wrote. */
  tornLines: number
}

/** Lists the comparisons of all spool files of a run. Reads line by line: memory does not grow with the tokens. */
export function indexSpool(runDir: string): SpoolIndex {
  const index: SpoolIndex = { comparisons: [], tornLines: 0 }
  const files = readdirSync(runDir).filter((name) => name.endsWith('.jsonl'))
  for (const name of files.sort()) indexFile(join(runDir, name), index)
  return index
}

function indexFile(file: string, index: SpoolIndex): void {
  const open = new Map<string, SpooledComparison>()
  for (const { line, from, to } of linesOf(file)) {
    const parsed = parseLine(line)
    if (parsed === undefined) {
      index.tornLines++
    } else if (parsed.kind === 'started') {
      const comparison = { started: parsed, file, from: to, to }
      open.set(parsed.id, comparison)
      index.comparisons.push(comparison)
    } else {
      const comparison = open.get(parsed.id)
      if (!comparison) index.tornLines++
      else if (parsed.kind === 'token') comparison.to = to
      else {
        comparison.finished = parsed
        comparison.to = from
      }
    }
  }
}

/** The token rows of one comparison, in order. */
export function* tokenRows(comparison: SpooledComparison): Iterable<readonly string[]> {
  for (const { line } of linesOf(comparison.file, comparison.from, comparison.to)) {
    const parsed = parseLine(line)
    if (parsed?.kind === 'token' && parsed.id === comparison.started.id) yield parsed.cells
  }
}

function parseLine(line: string): SpoolLine | undefined {
  try {
    const parsed = JSON.parse(line)
    return typeof parsed?.id === 'string' && typeof parsed.kind === 'string' ? parsed : undefined
  } catch {
    return undefined
  }
}

interface PlacedLine {
  line: string
  from: number
  /** Behind the newline. */
  to: number
}

/** The lines of a file, or of a range of it; the last one may lack its newline. */
function* linesOf(file: string, start = 0, end = Number.MAX_SAFE_INTEGER): Iterable<PlacedLine> {
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
        yield { line: bytes.toString('utf8', 0, newline), from: at, to: at + newline + 1 }
        at += newline + 1
        bytes = bytes.subarray(newline + 1)
      }
      rest = bytes
    }
    if (rest.length > 0) yield { line: rest.toString('utf8'), from: at, to: at + rest.length }
  } finally {
    closeSync(descriptor)
  }
}
