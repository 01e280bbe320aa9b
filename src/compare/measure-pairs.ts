import { rowKernel } from '../metrics/row-kernel.js'
import type { StepPair } from './align.js'
import type { MeasuredPair } from './comparison.js'
import type { PairSettings } from './measure-pair.js'
import { measureAll } from './threads/measure-all.js'
import type { WholePair } from './threads/segment.js'

/** Measures every step that both sides hold, one pair of rows in memory at a time on each thread. */
export function measurePairs(pairs: readonly StepPair[], settings: PairSettings, threads: number): MeasuredPair[] {
  const outcomes = measureAll(pairs.filter(isWhole), settings, rowKernel(), threads)
  let next = 0
  return pairs.map((pair) => (isWhole(pair) ? { ...pair, outcome: outcomes[next++]! } : pair))
}

function isWhole(pair: StepPair): pair is StepPair & WholePair {
  return pair.golden !== undefined && pair.dump !== undefined
}
