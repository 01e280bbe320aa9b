import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { expandPositions } from '../measure/expand-positions.js'
import { rowsOf } from '../measure/measure-all.js'
import type { RowSource } from '../measure/row-source.js'
import type { PairList } from '../measure/step-pair.js'
import type { ShapeOf } from './positions.js'
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
 * Both sides. If one compares every position of a step, so does the other, unless its options choose a position. Every position
 * of a file counts if the text was forced.
 */
export function sidesOf(golden: Dump, dump: Dump, decoding?: Decoding): { readonly golden: Side; readonly dump: Side } {
  assertSameIds(golden, dump, decoding)
  const isForcedFile = decoding === 'forced' && golden.layout === 'file' && dump.layout === 'file'
  if (!isForcedFile && !comparesAll(golden) && !comparesAll(dump)) {
    return { golden: sideOf(golden), dump: sideOf(dump) }
  }
  return { golden: sideOf(withAllPositions(golden)), dump: sideOf(withAllPositions(dump)) }
}

/**
 * Two runs that read other prompts, or were forced through other texts, cannot be compared, if ids beside the logits show it.
 * @throws GoldenLogitsError `nothing-to-compare`
 */
function assertSameIds(golden: Dump, dump: Dump, decoding: Decoding | undefined): void {
  for (const [name, ids] of golden.tokenIds ?? []) {
    const others = dump.tokenIds?.get(name)
    // What was generated may differ after a flip, unless the text was forced.
    if (!others || (decoding !== 'forced' && !/prompt|input/.test(name))) continue
    const at = ids.findIndex((id, i) => id !== others[i])
    if (at < 0 && ids.length === others.length) continue
    const position = at < 0 ? ids.length : at
    const [g, d] = [ids, others].map((side) => side[position] ?? 'nothing')
    const message = `the two sides read different tokens: at position ${position} of ${printable(name, 40)} the golden (${printable(golden.path, 200)}) has ${g} and the dump ${d}; dump both with the same text`
    throw new GoldenLogitsError('nothing-to-compare', message, { file: dump.path })
  }
}

function comparesAll({ rows }: Dump): boolean {
  return rows?.positions === 'all'
}

function withAllPositions(dump: Dump): Dump {
  return dump.rows?.positions === undefined ? { ...dump, rows: { ...dump.rows, positions: 'all' } } : dump
}

/** The pairs to measure: with `positions: 'all'` one for each position of a step. */
export function planPairs(pairs: PairList, golden: Side, dump: Side): PairList {
  if (!comparesAll(golden.dump) && !comparesAll(dump.dump)) return pairs
  return expandPositions(pairs, golden.rows, dump.rows)
}

/** Looks up shapes of tensors on one side. Opens files, and reads no row. */
export function shapesOf({ rows }: Pick<Side, 'rows'>): ShapeOf {
  return (step) => {
    const prepared = rows.prepare(step, true)
    if (prepared.kind === 'row') prepared.close()
    return 'fileShape' in prepared ? prepared.fileShape : undefined
  }
}
