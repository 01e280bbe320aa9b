import { counted } from '../lib/number-text.js'
import { failsRun } from './run-limits.js'
import type { ListedComparison } from './types.js'

/** True if `strict` makes the comparison fail, and nothing else does. */
export function failsByWarnings(comparison: ListedComparison): boolean {
  const { firstFailure, counts, run = [] } = comparison
  return hasStrictWarnings(comparison) && firstFailure === undefined && !run.some(failsRun) && counts.compared > 0
}

/** Why a comparison fails as a whole, whether or not its tokens pass: limits on the run, or warnings with the option `strict`. */
export function wholeFailure({
  run = [],
  strict,
  warnings,
}: Partial<Pick<ListedComparison, 'run' | 'strict'>> & { readonly warnings: readonly string[] }): string | undefined {
  const reasons = run.filter(failsRun).map(({ reason }) => reason)
  if (strict && warnings.length > 0) reasons.push(`${counted(warnings.length, 'warning')}, which fail with strict`)
  return reasons.length === 0 ? undefined : reasons.join('; ')
}

/** True if there are warnings, and the option `strict` makes them fail. */
export function hasStrictWarnings({ strict, warnings }: ListedComparison): boolean {
  return strict && warnings.length > 0
}
