import { roundedAway } from '../../compare/rounded-away.js'
import type { MetricBounds, Thresholds } from '../../compare/types.js'
import type { Interval } from './interval.js'

export interface BoundVerdict {
  readonly verdict: 'pass' | 'over-threshold' | 'undecided'
  /** In one line. */
  readonly reason: string
}

/** What is certain of metrics that are known to lie between bounds. Limits are strict, as everywhere. */
export function judgeBounds(
  { klDivergence: kl, cosineSimilarity: cosine }: MetricBounds,
  limits: Thresholds,
): BoundVerdict {
  const over: string[] = []
  const open: string[] = []
  if (!(kl.lo < limits.klDivergence)) {
    over.push(`KL divergence is at least ${roundedAway(kl.lo, limits.klDivergence)}, not below ${limits.klDivergence}`)
  } else if (!(kl.hi < limits.klDivergence)) {
    open.push(`KL divergence lies in ${span(kl)}, its limit ${limits.klDivergence} between`)
  }
  if (!(cosine.hi > limits.cosineSimilarity)) {
    const most = roundedAway(cosine.hi, limits.cosineSimilarity)
    over.push(`cosine similarity is at most ${most}, not above ${limits.cosineSimilarity}`)
  } else if (!(cosine.lo > limits.cosineSimilarity)) {
    open.push(`cosine similarity lies in ${span(cosine)}, its limit ${limits.cosineSimilarity} between`)
  }
  if (over.length > 0) return { verdict: 'over-threshold', reason: over.join('; ') }
  if (open.length === 0) {
    return { verdict: 'pass', reason: `KL divergence lies in ${span(kl)}, cosine similarity in ${span(cosine)}` }
  }
  return { verdict: 'undecided', reason: `${open.join('; ')}; ${advice(kl.hi < limits.klDivergence)}` }
}

/** More listed ids narrow the bounds of the KL divergence alone. */
function advice(klDecided: boolean): string {
  if (klDecided) return `a golden of fidelity: 'full' decides it`
  return `a golden of a larger k may decide it, one of fidelity: 'full' does`
}

/** Four digits, rounded outwards: an interval is never told narrower than it is. */
function span({ lo, hi }: Interval): string {
  const [low, high] = [digits(lo, (text) => text <= lo), digits(hi, (text) => text >= hi)]
  return `[${low}, ${high}]`
}

function digits(value: number, fits: (text: number) => boolean): string {
  if (!Number.isFinite(value)) return String(value)
  for (let precision = 4; precision < 17; precision++) {
    const rounded = Number(value.toPrecision(precision))
    if (fits(rounded)) return String(rounded)
  }
  return String(value)
}
