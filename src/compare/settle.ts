import type { DumpStep } from '../dumps/types.js'
import type { RowStats, Support } from '../metrics/types.js'
import type { PairOutcome } from './measure-pair.js'
import type { TokenSide } from './types.js'

/**
 * Makes an outcome small, for there may be a million: it shares what is the same for many tokens (paths, shapes, empty
 * lists), and keeps every number once.
 */
export function settle(outcome: PairOutcome, golden: DumpStep, dump: DumpStep): PairOutcome {
  share(outcome.golden, golden)
  share(outcome.dump, dump)
  if (outcome.notes.length === 0) outcome.notes = NO_NOTES
  if (outcome.kind !== 'compared' || outcome.rows.kind !== 'measured') return outcome
  const { rows } = outcome
  rows.golden = Object.assign(outcome.golden, rows.golden) as TokenSide & RowStats
  rows.dump = Object.assign(outcome.dump, rows.dump) as TokenSide & RowStats
  const { bothSuppressed, goldenOnly, dumpOnly } = rows.support
  if (bothSuppressed + goldenOnly + dumpOnly === 0) rows.support = FULL
  return outcome
}

const NO_NOTES = Object.freeze([]) as unknown as string[]
const FULL: Support = Object.freeze({ bothSuppressed: 0, goldenOnly: 0, dumpOnly: 0, firstMismatch: -1 })

function share(side: TokenSide, { files, layer }: DumpStep): void {
  side.files = files
  side.layer = layer
  if (side.shape) side.shape = sharedShape(side.shape)
  if (side.fileShape) side.fileShape = sharedShape(side.fileShape)
}

const shapes = new Map<string, readonly number[]>()

/** One array for each shape; of very many different ones each has its own. */
function sharedShape(shape: readonly number[]): readonly number[] {
  const key = shape.join()
  const known = shapes.get(key)
  if (known) return known
  if (shapes.size < 1000) shapes.set(key, Object.freeze(shape))
  return shape
}
