import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { linesOf } from '../io/lines.js'
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
