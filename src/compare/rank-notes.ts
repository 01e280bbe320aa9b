import type { Results } from '../measure/results.js'
import { isWithin } from './judge.js'
import { RangesByKey } from './step-ranges.js'
import type { Thresholds } from './types.js'

/** One note for the tokens that pass although nothing says what their ranks hold: both readings are within the limits. */
export function rankNotes(results: Results, limits: Thresholds): string[] {
  const steps = new RangesByKey<number>()
  for (let i = 0; i < results.length; i++) {
    if (results.plainShape(i)) continue
    const pair = results.at(i)!
    const { outcome } = pair
    if (outcome?.kind !== 'compared' || !outcome.separate || outcome.rows.kind !== 'measured') continue
    const { metrics } = outcome.rows
    const { count, worst } = outcome.separate
    if (!isWithin((key) => metrics[key], limits) || !isWithin((key) => worst[key].value, limits)) continue
    steps.add(count, pair)
  }
  return [...steps].map(
    ([count, ranges]) =>
      `${ranges}: ${count} ranks a side of equal width: read as parts of one vocabulary and as separate rows; both are within the limits`,
  )
}
