import { listOf } from '../lib/lazy-list.js'
import { rowKernel } from '../metrics/row-kernel.js'
import type { MeasuredPairs } from './comparison.js'
import type { PairSettings } from './measure-pair.js'
import type { PairList } from './step-pairs.js'
import { measureAll } from './threads/measure-all.js'

/** Measures every step that both sides hold, one pair of rows in memory at a time on each thread. */
export function measurePairs(pairs: PairList, settings: PairSettings, threads: number): MeasuredPairs {
  const outcomes = measureAll(pairs, settings, rowKernel(), threads)
  const list = listOf(pairs.length, (index) => {
    const pair = pairs.at(index)!
    const outcome = outcomes.at(index, pair)
    return outcome ? { step: pair.step, golden: pair.golden!, dump: pair.dump!, outcome } : pair
  })
  return { ...list, plainAt: (index) => outcomes.plainAt(index) }
}
