import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Thresholds } from '../compare/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { linesOf } from '../io/lines.js'
import { counted } from '../lib/number-text.js'
import type { OptionalKey } from '../metrics/optional/table.js'
import { SchemaError } from '../report/check-schema.js'
import type { TokenRow } from '../report/rows.js'
import {
  type FinishedLine,
  type LostLine,
  parseSpoolLine,
  SPOOL_VERSION,
  type SpoolLine,
  type StartedLine,
  tokenLineId,
} from './spool.js'
import { lineChecker } from './spool-schema.js'

/** One comparison in a spool file: its first and last lines, and where the lines of its tokens are. */
export interface SpooledComparison {
  readonly started: StartedLine
  thresholds?: Thresholds
  metrics?: readonly OptionalKey[]
  /** Absent if the worker ended before the comparison did. */
  finished?: FinishedLine
  readonly file: string
  /** Byte range of the lines between the first and the last. */
  readonly from: number
  to: number
  /** Number of its tokens. */
  tokens: number
  /** Present if its rows could not be written. */
  lost?: LostLine
}

export interface SpoolIndex {
  comparisons: SpooledComparison[]
  /** Incomplete lines: a worker was killed while it wrote. */
  tornLines: number
}

/**
 * Lists the comparisons of all spool files of a run. Reads line by line: memory does not grow with the tokens.
 * @throws GoldenLogitsError `unsupported-format` for rows of another version, and for lines that no worker wrote
 */
export function indexSpool(runDir: string): SpoolIndex {
  const index: SpoolIndex = { comparisons: [], tornLines: 0 }
  const files = readdirSync(runDir).filter((name) => name.endsWith('.jsonl'))
  for (const name of files.sort()) indexFile(join(runDir, name), index)
  return index
}

function indexFile(file: string, index: SpoolIndex): void {
  const open = new Map<string, SpooledComparison>()
  const checked = checkerOf(file)
  for (const { line, from, to, isText } of linesOf(file)) {
    const tokenOf = open.get(tokenLineId(line) ?? '')
    if (tokenOf) {
      tokenOf.to = to
      tokenOf.tokens++
      continue
    }
    const parsed = isText ? checked(line, from) : undefined
    if (parsed === undefined) {
      index.tornLines++
    } else if (parsed.kind === 'started') {
      const comparison = { started: parsed, file, from: to, to, tokens: 0 }
      open.set(parsed.id, comparison)
      index.comparisons.push(comparison)
    } else {
      const comparison = open.get(parsed.id)
      if (!comparison) index.tornLines++
      else if (parsed.kind === 'finished') {
        const { tokens = comparison.tokens } = parsed
        if (tokens !== comparison.tokens) {
          const message = `${counted(comparison.tokens, 'token')} instead of ${tokens} precede it`
          throw edited(file, from, message)
        }
        comparison.finished = parsed
        comparison.to = from
      } else if (parsed.kind === 'lost') {
        comparison.lost = parsed
      } else {
        if (parsed.kind === 'compared') {
          comparison.thresholds = parsed.thresholds
          comparison.metrics = parsed.metrics
        }
        comparison.to = to
      }
    }
  }
}

/** Returns a function that parses a line of a file at an offset; it returns undefined for a line that is not complete. */
function checkerOf(file: string): (line: string, from: number) => SpoolLine | undefined {
  const check = lineChecker()
  return (line, from) => {
    const parsed = parseSpoolLine(line)
    if (parsed?.kind === 'started' && (parsed as Partial<StartedLine>).v !== SPOOL_VERSION) throw otherVersion(file)
    try {
      return parsed && check(parsed)
    } catch (error) {
      if (error instanceof SchemaError) throw edited(file, from, printable(error.message, 300))
      throw error
    }
  }
}

function edited(file: string, from: number, problem: string): GoldenLogitsError {
  const message = `the line at byte ${from} is none that golden-logits wrote: ${problem}; was the file edited?`
  return new GoldenLogitsError('unsupported-format', message, { file, offset: from })
}

function otherVersion(file: string): GoldenLogitsError {
  const message = 'another version of golden-logits wrote these rows; merge them with that version'
  return new GoldenLogitsError('unsupported-format', message, { file })
}

/**
 * The tokens of one comparison, in order.
 * @throws GoldenLogitsError `unsupported-format` for a line that no worker wrote
 */
export function* spooledTokens({ file, from, to, started }: SpooledComparison): Iterable<TokenRow> {
  let index = 0
  const checked = checkerOf(file)
  for (const { line, from: offset } of linesOf(file, from, to)) {
    if (tokenLineId(line) !== started.id) continue
    const parsed = checked(line, offset)
    if (parsed?.kind !== 'token') throw edited(file, offset, 'it is no token')
    yield Object.assign(parsed.token, { index: index++, types: parsed.types })
  }
}
