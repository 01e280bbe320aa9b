import { PRECISIONS } from '../metrics/precision.js'
import { GATED } from '../metrics/table.js'
import { isFlip } from './divergence.js'
import { isWithin } from './judge.js'
import { precisionNamed, thresholdsOf } from './thresholds.js'
import type { Precision, Thresholds, TokenComparison } from './types.js'

/** A side whose dtype is coarser than the precision that it is held to. */
export interface CoarserDtype {
  readonly side: 'golden' | 'dump'
  readonly dtype: string
  readonly precision: Precision
  /** Whether the token is within the limits of that precision. */
  readonly isWithin: boolean
}

/** Whether a token is held to the limits of a precision that its dtype cannot keep. Limits set by hand are meant. */
export function coarserDtype(token: TokenComparison, limits: Thresholds): CoarserDtype | undefined {
  const reference = thresholdsOf(limits.precision, {})
  if (GATED.some(({ key }) => limits[key] !== reference[key]) || !token.metrics) return undefined
  const { klDivergence, cosineSimilarity } = token.metrics
  if (cosineSimilarity === undefined) return undefined
  const metrics = { klDivergence, cosineSimilarity }
  for (const precision of PRECISIONS.slice(0, PRECISIONS.indexOf(limits.precision))) {
    for (const side of ['dump', 'golden'] as const) {
      const dtype = token[side]?.savedFrom ?? token[side]?.dtype
      if (dtype === undefined || precisionNamed(dtype) !== precision) continue
      return { side, dtype, precision, isWithin: isWithin((key) => metrics[key], thresholdsOf(precision, {})) }
    }
  }
  return undefined
}

/** Tokens that are all over by about as much. */
export interface EvenDrift {
  readonly tokens: number
  /** Of the KL divergences. */
  readonly lowest: number
  readonly highest: number
}

const LEAST_TOKENS = 4

/**
 * Whether every measured token is over the limits, top-1 agrees in all of them, and none stands out: the highest KL divergence
 * is at most ten times the median. A fault in one place of the model looks otherwise; a coarser build looks like this.
 */
export function evenDrift(tokens: Iterable<TokenComparison>): EvenDrift | undefined {
  const values: number[] = []
  for (const token of tokens) {
    if (!token.metrics) continue
    if (token.verdict !== 'over-threshold' || isFlip(token)) return undefined
    values.push(token.metrics.klDivergence)
  }
  if (values.length < LEAST_TOKENS) return undefined
  values.sort((a, b) => a - b)
  const [lowest, median, highest] = [values[0]!, values[Math.floor(values.length / 2)]!, values.at(-1)!]
  return highest <= 10 * median ? { tokens: values.length, lowest, highest } : undefined
}

/** The only side of a token that holds log-probabilities, if that explains why its cosine similarity is under its limit. */
export function logProbabilitySide(
  { golden, dump, metrics }: TokenComparison,
  limits: Thresholds,
): 'golden' | 'dump' | undefined {
  if (!metrics || !(metrics.klDivergence < limits.klDivergence)) return undefined
  if (golden?.kind === dump?.kind) return undefined
  if (golden?.kind === 'log-probabilities') return 'golden'
  return dump?.kind === 'log-probabilities' ? 'dump' : undefined
}
