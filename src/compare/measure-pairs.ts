import { rowKernel } from '../metrics/row-kernel.js'
import type { StepPair } from './align.js'
import type { MeasuredPair } from './comparison.js'
import { measurePair, type PairSettings } from './measure-pair.js'

/** Measures every step that both sides hold, one pair of rows in memory at a time. */
export function measurePairs(pairs: readonly StepPair[], settings: PairSettings): MeasuredPair[] {
  const kernel = rowKernel()
  return pairs.map((pair) =>
    pair.golden && pair.dump ? { ...pair, outcome: measurePair(pair.golden, pair.dump, settings, kernel) } : pair,
  )
}
