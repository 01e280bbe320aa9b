import { failsRun } from './run-limits.js'
import type { ListedComparison } from './types.js'

/** True if `strict` makes the comparison fail, and nothing else does. */
export function failsByWarnings(comparison: ListedComparison): boolean {
  const { firstFailure, counts, run = [] } = comparison
  return hasStrictWarnings(comparison) && firstFailure === undefined && !run.some(failsRun) && counts.compared > 0
}

/** True if there are warnings, and the option `strict` makes them fail. */
export function hasStrictWarnings({ strict, warnings }: ListedComparison): boolean {
  return strict && warnings.length > 0
}
