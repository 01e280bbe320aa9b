import type { Row } from '../../tensor/widen.js'

/**
 * Σ|m| / Σ|g| − 1, in (−1, ∞], over the finite logits of each row; 0 if both rows are all zero, NaN if the sums exceed float64.
 * The difference is summed id by id, so that two long sums do not cancel.
 */
export function l1Norm(golden: Row, dump: Row): number {
  let [difference, norm] = [0, 0]
  for (let i = 0; i < golden.length; i++) {
    const g = magnitude(golden[i]!)
    difference += magnitude(dump[i]!) - g
    norm += g
  }
  return difference === 0 && norm === 0 ? 0 : difference / norm
}

/** Suppressed ids count as 0. */
function magnitude(logit: number): number {
  return logit === Number.NEGATIVE_INFINITY ? 0 : Math.abs(logit)
}
