import type { Dump } from '../dumps/types.js'
import { expandPositions } from '../measure/expand-positions.js'
import { rowsOf } from '../measure/measure-all.js'
import type { RowSource } from '../measure/row-source.js'
import type { PairList } from '../measure/step-pair.js'
import type { ShapeOf } from './positions.js'

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

/** Both sides. If one compares every position of a step, so does the other, unless its options choose a position. */
export function sidesOf(golden: Dump, dump: Dump): { readonly golden: Side; readonly dump: Side } {
  if (!comparesAll(golden) && !comparesAll(dump)) return { golden: sideOf(golden), dump: sideOf(dump) }
  return { golden: sideOf(withAllPositions(golden)), dump: sideOf(withAllPositions(dump)) }
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
