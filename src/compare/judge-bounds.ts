import type { BoundedRows, MetricBounds } from '../measure/outcome.js'
import type { LimitedKey } from '../metrics/optional/table.js'
import { unknownMetrics } from './metric-limits.js'
import { roundedAway } from './rounded-away.js'
import type { Thresholds } from './types.js'

type Interval = MetricBounds['klDivergence']

/** A metric that lies in an interval, and its limit. */
interface Bounded {
  readonly label: string
  readonly bounds: Interval
  readonly limit: number
  readonly better: 'lower' | 'higher'
  /** An interval that holds the limit leaves the token undecided. */
  readonly mustBeKnown: boolean
}

/**
 * What is certain of metrics that lie between bounds.
 * @param metricLimits limits of optional metrics
 * @param isKlByHand the limit of the KL divergence is no default
 */
export function judgeBounds(
  rows: BoundedRows,
  limits: Thresholds,
  metricLimits: Readonly<Partial<Record<LimitedKey, number>>>,
  isKlByHand: boolean,
): { verdict: 'pass' | 'over-threshold' | 'undecided'; reason: string } {
  const { bounds, assumes, advice } = rows
  const { totalVariation, jensenShannonDivergence, ...others } = metricLimits
  const optional = [
    ...limited('total variation', bounds.totalVariation, totalVariation),
    ...limited('Jensen-Shannon divergence', bounds.jensenShannonDivergence, jensenShannonDivergence),
  ]
  const unknown = unknownMetrics({
    ...others,
    ...(!bounds.totalVariation && totalVariation !== undefined && { totalVariation }),
    ...(!bounds.jensenShannonDivergence && jensenShannonDivergence !== undefined && { jensenShannonDivergence }),
  })
  const { klDivergence: kl, cosineSimilarity: cosine } = bounds
  const metrics: Bounded[] = [
    // Where only some ids are known nothing bounds the KL divergence from above: a limit of another metric stands in for the default.
    ...limited('KL divergence', kl, limits.klDivergence, 'lower', isKlByHand || optional.length === 0),
    ...(cosine ? limited('cosine similarity', cosine, limits.cosineSimilarity, 'higher') : []),
    ...optional,
  ]
  const over = metrics.flatMap(overText)
  if (over.length > 0) return { verdict: 'over-threshold', reason: over.join('; ') }
  const open = metrics.filter((metric) => metric.mustBeKnown && !isKept(metric))
  const condition = assumes === undefined ? '' : ` if ${assumes}`
  if (open.length === 0 && unknown !== undefined) return { verdict: 'undecided', reason: unknown }
  if (open.length === 0) {
    const ranges = metrics.map(({ label, bounds }, i) => `${label} ${i === 0 ? 'lies ' : ''}in ${span(bounds)}`)
    return { verdict: 'pass', reason: ranges.join(', ') + condition }
  }
  const between = open.map(({ label, bounds, limit }) => `${label} lies in ${span(bounds)}, its limit ${limit} between`)
  if (advice !== undefined) return { verdict: 'undecided', reason: `${between.join('; ')}${condition}; ${advice}` }
  // More listed ids narrow the bounds of the KL divergence alone.
  const larger =
    kl.hi < limits.klDivergence
      ? `a snapshot with fidelity: 'full' decides it`
      : `a snapshot with a larger k may decide it, one with fidelity: 'full' does`
  return { verdict: 'undecided', reason: `${between.join('; ')}; ${larger}` }
}

function limited(
  label: string,
  bounds: Interval | undefined,
  limit: number | undefined,
  better: Bounded['better'] = 'lower',
  mustBeKnown = true,
): Bounded[] {
  return bounds === undefined || limit === undefined ? [] : [{ label, bounds, limit, better, mustBeKnown }]
}

/** The whole interval lies on the good side of the limit. All limits are strict. */
function isKept({ bounds, limit, better }: Bounded): boolean {
  return better === 'lower' ? bounds.hi < limit : bounds.lo > limit
}

/** Why a metric is certainly not within its limit, if it is not. */
function overText({ label, bounds, limit, better }: Bounded): string[] {
  const { lo, hi } = bounds
  if (better === 'lower' ? lo < limit : hi > limit) return []
  return better === 'lower'
    ? [`${label} is at least ${roundedAway(lo, limit)}, not below ${limit}`]
    : [`${label} is at most ${roundedAway(hi, limit)}, not above ${limit}`]
}

/** Four digits, rounded outwards: an interval is never printed narrower than it is. */
function span({ lo, hi }: Interval): string {
  const [low, high] = [roundedTo(lo, (text) => text <= lo), roundedTo(hi, (text) => text >= hi)]
  return `[${low}, ${high}]`
}

function roundedTo(value: number, fits: (text: number) => boolean): string {
  if (!Number.isFinite(value)) return String(value)
  for (let precision = 4; precision < 17; precision++) {
    const rounded = Number(value.toPrecision(precision))
    if (fits(rounded)) return String(rounded)
  }
  return String(value)
}
