import type { Thresholds, TokenComparison } from './types.js'

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
