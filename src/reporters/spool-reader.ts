import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Thresholds } from '../compare/types.js'
import { GoldenLogitsError } from '../errors.js'
import { linesOf } from '../io/lines.js'
import type { OptionalKey } from '../metrics/optional/table.js'
import type { TokenRow } from '../report/rows.js'
import {
  type FinishedLine,
  type LostLine,
  parseSpoolLine,
  SPOOL_VERSION,
  type StartedLine,
  tokenLineId,
} from './spool.js'

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
 * @throws GoldenLogitsError `unsupported-format` for rows of another version
 */
export function indexSpool(runDir: string): SpoolIndex {
  const index: SpoolIndex = { comparisons: [], tornLines: 0 }
  const files = readdirSync(runDir).filter((name) => name.endsWith('.jsonl'))
  for (const name of files.sort()) indexFile(join(runDir, name), index)
  return index
}

function indexFile(file: string, index: SpoolIndex): void {
  const open = new Map<string, SpooledComparison>()
  for (const { line, from, to } of linesOf(file)) {
    const tokenOf = open.get(tokenLineId(line) ?? '')
    if (tokenOf) {
      tokenOf.to = to
      tokenOf.tokens++
      continue
    }
    const parsed = parseSpoolLine(line)
    if (parsed === undefined) {
      index.tornLines++
    } else if (parsed.kind === 'started') {
      if (parsed.v !== SPOOL_VERSION) throw otherVersion(file)
      const comparison = { started: parsed, file, from: to, to, tokens: 0 }
      open.set(parsed.id, comparison)
      index.comparisons.push(comparison)
    } else {
      const comparison = open.get(parsed.id)
      if (!comparison) index.tornLines++
      else if (parsed.kind === 'finished') {
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

function otherVersion(file: string): GoldenLogitsError {
  const message = 'another version of golden-logits wrote these rows; merge them with that version'
  return new GoldenLogitsError('unsupported-format', message, { file })
}

/** The tokens of one comparison, in order. */
export function* spooledTokens({ file, from, to, started }: SpooledComparison): Iterable<TokenRow> {
  let index = 0
  for (const { line } of linesOf(file, from, to)) {
    const parsed = parseSpoolLine(line)
    if (parsed?.kind === 'token' && parsed.id === started.id) {
      yield Object.assign(parsed.token, { index: index++, types: parsed.types })
    }
  }
}
