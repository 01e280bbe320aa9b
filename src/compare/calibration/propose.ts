import { short } from '../../lib/number-text.js'
import { median } from '../../metrics/median.js'
import { mean } from '../statistics.js'
import type { TokenComparison } from '../types.js'
import { QUANTITIES, type Quantity } from './quantities.js'
import { largestMean, largestMedian, RUN_TOKENS, spreadOf, tokenLimit, worstWindow } from './spread.js'
import type { Calibration, MeasuredRunKey, MetricSpread, ProposedLimit } from './types.js'

type Proposal = Pick<Calibration, 'spread' | 'tokenLimits' | 'runLimits'>

/**
 * The spread of honest tokens, and the limits that follow from it.
 * @param runs the comparable tokens of each accepted comparison, at least `LEAST_TOKENS` in all
 */
export function propose(runs: readonly (readonly TokenComparison[])[]): Proposal {
  const spread: Partial<Record<string, MetricSpread>> = {}
  const tokenLimits: Partial<Record<string, ProposedLimit>> = {}
  const runLimits: Partial<Record<string, ProposedLimit>> = {}
  for (const quantity of QUANTITIES) {
    const values = runs.map((tokens) => valuesOf(tokens, quantity))
    const sorted = Float64Array.from(values.flatMap((run) => [...run])).sort()
    const total = runs.reduce((sum, tokens) => sum + tokens.length, 0)
    // A token that does not show it, or not as a finite number, would be left out of its tail.
    if (sorted.length < total || !Number.isFinite(sorted.at(-1)) || sorted.at(-1) === 0) continue
    const facts = spreadOf(sorted)
    spread[quantity.key] = facts
    const { tokenLimit: key, runLimit } = quantity
    if (key !== undefined) tokenLimits[key] = limitOfTokens(quantity, facts, sorted.length)
    if (runLimit !== undefined) runLimits[runLimit] = limitOfRuns(runLimit, values, sorted)
  }
  return { spread, tokenLimits, runLimits } as Proposal
}

function valuesOf(tokens: readonly TokenComparison[], { value }: Quantity): Float64Array {
  const values = tokens.map((token) => value(token)).filter((number) => number !== undefined && !Number.isNaN(number))
  return Float64Array.from(values as number[])
}

function limitOfTokens({ key, isSquare }: Quantity, facts: MetricSpread, tokens: number): ProposedLimit {
  const { max, tail, tailTokens } = facts
  const { value, times } = tokenLimit(facts, isSquare === true)
  const basis = `tail of the highest ${tailTokens} of ${tokens} tokens`
  const worst = key === 'cosineDistance' ? Number((1 - max).toPrecision(12)) : max
  const reason = times
    ? `${times} times the worst seen, ${worst}, which is more than the ${basis} gives, ${tail}`
    : `one honest token in a million is beyond it, by the ${basis}; worst seen ${worst}`
  if (key !== 'cosineDistance') return { limit: roundedUp(value), reason }
  // Freed of the error of the subtraction.
  return { limit: Number((1 - roundedUp(Math.min(value, 1))).toPrecision(12)), reason }
}

function limitOfRuns(key: MeasuredRunKey, runs: readonly Float64Array[], sorted: Float64Array): ProposedLimit {
  const isMean = key === 'meanKl'
  const allowed = isMean ? largestMean(sorted) : largestMedian(sorted)
  const middle = isMean ? mean(sorted) : median(sorted.slice(), sorted.length)
  const worst = worstWindow(runs, (window) => (isMean ? mean(window) : median(window, window.length)))
  const windows = worst === undefined ? '' : `; worst of ${RUN_TOKENS} tokens in a row ${short(worst)}`
  const rule = `4 standard errors of ${RUN_TOKENS} tokens above the ${isMean ? 'mean' : 'median'}, ${short(middle)}`
  if (worst === undefined || allowed >= worst) return { limit: roundedUp(allowed), reason: rule + windows }
  return {
    limit: roundedUp(1.1 * worst),
    reason: `1.1 times the worst of ${RUN_TOKENS} tokens in a row, ${short(worst)}, which is over ${rule}`,
  }
}

/** Two significant digits, never below the number. */
export function roundedUp(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1)
  const rounded = Number((Math.ceil(value / unit - 1e-9) * unit).toPrecision(2))
  return rounded >= value ? rounded : Number((rounded + unit).toPrecision(2))
}
