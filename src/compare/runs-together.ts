import { printable } from '../errors.js'
import { failsRun, judgeRun, leastTokens, type RunLimits } from './run-limits.js'
import type { ListedComparison, RunVerdict, TokenComparison } from './types.js'

/**
 * One of several runs, with the limits on the run that it does not keep by itself. A run that is too short for a limit is not
 * judged by it, since one token would decide: all runs together are.
 */
export function withRunLimits(name: string, comparison: ListedComparison, limits: RunLimits): ListedComparison {
  const verdicts = judgeRun(comparison.comparable!(), limits)
    .filter((verdict) => failsRun(verdict) && verdict.tokens >= leastTokens(verdict))
    .map((verdict) => ({ ...verdict, run: name, reason: `run ${printable(name, 60)}: ${verdict.reason}` }))
  if (verdicts.length === 0) return comparison
  return {
    ...comparison,
    run: [...(comparison.run ?? []), ...verdicts],
    notes: [...verdicts.map(({ reason }) => reason), ...comparison.notes],
  }
}

/** The limits on the run, judged over the comparable tokens of all runs. */
export function judgeTogether(comparisons: readonly ListedComparison[], limits: RunLimits): RunVerdict[] {
  const verdicts = judgeRun(comparableOf(comparisons), limits)
  if (comparisons.length === 1) return verdicts
  return verdicts.map((verdict) => ({
    ...verdict,
    reason: `all ${comparisons.length} runs together: ${verdict.reason}`,
  }))
}

function* comparableOf(comparisons: readonly ListedComparison[]): Iterable<TokenComparison> {
  for (const { comparable } of comparisons) yield* comparable!()
}
