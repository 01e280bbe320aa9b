import { withSteps } from '../dumps/steps-in-file.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { warning } from '../lib/note.js'
import { expandPositions } from '../measure/expand-positions.js'
import { rowsOf } from '../measure/measure-all.js'
import type { RowSource } from '../measure/row-source.js'
import type { PairList } from '../measure/step-pair.js'
import type { Decoding } from './types.js'

/** One side of a comparison: its steps, and where their rows come from. */
export interface Side {
  readonly dump: Dump
  readonly rows: RowSource
  /** True for a stored snapshot. */
  readonly isSnapshot?: boolean
}

export function sideOf(dump: Dump): Side {
  return { dump, rows: rowsOf(dump) }
}

/**
 * Both sides, read in the same way. If one compares every position of a step, so does the other, unless its options choose a
 * position. If the rows of one file are the steps of a run, so are the rows of the other file. Every position of two files counts
 * if the text was forced, and is a step if the option `decoding` says how each run chose its tokens.
 */
export function sidesOf(golden: Dump, dump: Dump, decoding?: Decoding): { readonly golden: Side; readonly dump: Side } {
  assertSameMeaning(golden, dump)
  const read = readingOf(golden, dump, decoding)
  return { golden: sideOf(read(golden)), dump: sideOf(read(dump)) }
}

function readingOf(golden: Dump, dump: Dump, decoding: Decoding | undefined): (dump: Dump) => Dump {
  const areFiles = golden.layout === 'file' && dump.layout === 'file'
  const isForcedFile = areFiles && decoding === 'forced'
  if (isForcedFile || comparesAll(golden) || comparesAll(dump)) return withAllPositions
  if (areFiles && (holdsSteps(golden) || holdsSteps(dump))) return asSteps
  return areFiles && decoding !== undefined ? assumedSteps : (dump) => dump
}

/** @throws GoldenLogitsError `invalid-argument` if ids with the logits say steps of one side, and positions of the other */
function assertSameMeaning(golden: Dump, dump: Dump): void {
  const [g, d] = [golden, dump].map(({ ids, rows }) => (rows?.positions === undefined ? undefined : ids?.meaning))
  if (!g || !d || g === d) return
  const words = { steps: 'each row is a token of a run', positions: 'the rows are positions of one text' }
  const message = `by the token ids with its logits, of the golden ${words[g]}, and of the dump ${words[d]}: load both with the option positions: 'steps', or both with 'all'`
  throw new GoldenLogitsError('invalid-argument', message, { file: dump.path })
}

function holdsSteps({ rows }: Dump): boolean {
  return rows?.positions === 'steps'
}

function asSteps(dump: Dump): Dump {
  return dump.rows?.positions === undefined && dump.steps.length === 1 ? withSteps(dump) : dump
}

/** The option `decoding` is about runs: the prompt of one would be a guess. */
function assumedSteps(dump: Dump): Dump {
  const run = asSteps(dump)
  const count = run.steps.length
  if (run === dump || count === 1) return dump
  const text = `${count} rows in the file are taken for the tokens of a run, as the option decoding is set`
  return { ...run, notes: [...run.notes, warning(text, "load it with the option positions: 'steps'")] }
}

export function comparesAll({ rows }: Dump): boolean {
  return rows?.positions === 'all'
}

export function withAllPositions(dump: Dump): Dump {
  return dump.rows?.positions === undefined ? { ...dump, rows: { ...dump.rows, positions: 'all' } } : dump
}

/** The pairs to measure: with `positions: 'all'` one for each position of a step. */
export function planPairs(pairs: PairList, golden: Side, dump: Side): PairList {
  if (!comparesAll(golden.dump) && !comparesAll(dump.dump)) return pairs
  return expandPositions(pairs, golden.rows, dump.rows)
}
