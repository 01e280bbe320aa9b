import { type SpooledComparison, spooledTokens } from './spool-reader.js'

/**
 * The worst comparison first: by the highest KL divergence of its failing tokens, or of all if none fails. A failing token
 * without a KL divergence, such as a missing one, counts as infinite, and so does a comparison without tokens.
 */
export function worstFirst(comparisons: readonly SpooledComparison[]): SpooledComparison[] {
  const known = comparisons.map((comparison) => ({ comparison, kl: highestKl(comparison) }))
  return known.sort((a, b) => (a.kl === b.kl ? 0 : b.kl - a.kl)).map(({ comparison }) => comparison)
}

function highestKl(comparison: SpooledComparison): number {
  const highest: { failing?: number; any?: number } = {}
  for (const { pass, metrics, bounds } of spooledTokens(comparison)) {
    const kl = metrics?.klDivergence ?? bounds?.klDivergence.lo ?? Number.POSITIVE_INFINITY
    const key = pass ? 'any' : 'failing'
    highest[key] = Math.max(highest[key] ?? 0, kl)
  }
  return highest.failing ?? highest.any ?? Number.POSITIVE_INFINITY
}
