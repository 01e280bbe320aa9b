import { short } from '../lib/number-text.js'
import type { BoundedRows, MetricBounds } from '../measure/outcome.js'
import type { LimitedKey } from '../metrics/optional/table.js'
import type { GatedKey } from '../metrics/table.js'
import type { Interval } from '../metrics/types.js'
import { unknownMetrics } from './metric-limits.js'
import { OPEN, roundedAway } from './rounded-away.js'
import { type BoundedRounding, overSpread } from './rounding.js'
import type { Thresholds } from './types.js'

/** A metric that lies in an interval, and its limit. */
interface Bounded {
  readonly label: string
  readonly bounds: Interval
  readonly limit: number
  readonly better: 'lower' | 'higher'
  /** An interval that holds the limit leaves the token undecided. */
  readonly mustBeKnown: boolean
  /** A looser limit that rounding explains, and how the reason says so. */
  readonly excuse?: { readonly limit: number; readonly text: (rounding: BoundedRounding) => string }
}

/** The optional metrics that known ids bound. */
const BOUNDED = [
  ['totalVariation', 'total variation'],
  ['jensenShannonDivergence', 'Jensen-Shannon divergence'],
] as const

/**
 * What is certain of metrics that lie between bounds.
 * @param metricLimits limits of optional metrics
 * @param isKlByHand the limit of the KL divergence is no default
 * @param rounding what rounding excuses; undefined if nothing
 */
export function judgeBounds(
  rows: BoundedRows,
  limits: Thresholds,
  metricLimits: Readonly<Partial<Record<LimitedKey, number>>>,
  isKlByHand: boolean,
  rounding?: BoundedRounding,
): { verdict: 'pass' | 'over-threshold' | 'undecided'; reason: string; isExcused?: true } {
  const { bounds, assumes, advice } = rows
  const optional = BOUNDED.flatMap(([key, label]) => limited(label, bounds[key], metricLimits[key]))
  const unknown = unknownMetrics(metricLimits, (key) => BOUNDED.some(([bounded]) => key === bounded && bounds[bounded]))
  const { klDivergence: kl, cosineSimilarity: cosine } = bounds
  const largestKl = rounding?.largestKl ?? 0
  const klExcuse = largestKl > limits.klDivergence ? { limit: largestKl, text: atTheseLogits } : undefined
  const cosineExcuse = rounding?.excusesCosine ? { limit: Number.NEGATIVE_INFINITY, text: withSpread } : undefined
  const metrics: Bounded[] = [
    // Where only some ids are known nothing bounds the KL divergence from above: a limit of another metric stands in for the default.
    ...limited('KL divergence', kl, limits.klDivergence, 'lower', isKlByHand || optional.length === 0, klExcuse),
    ...limited('cosine similarity', cosine, limits.cosineSimilarity, 'higher', true, cosineExcuse),
    ...optional,
  ]
  const over = metrics.flatMap(overText)
  // Without it, outliers that fail the token by the metrics would be called noise.
  if (over.length === 0 && rounding?.limitsSpread && rounding.spread > rounding.mostSpread) {
    over.push(overSpread(rounding.spread, rounding.mostSpread, rounding.precision, 'of about '))
  }
  if (over.length > 0) return { verdict: 'over-threshold', reason: over.join('; ') }
  const open = metrics.filter((metric) => metric.mustBeKnown && !isKept(metric))
  const condition = assumes === undefined ? '' : ` if ${assumes}`
  if (open.length === 0 && unknown !== undefined) return { verdict: 'undecided', reason: unknown }
  const excused = metrics.filter((metric) => metric.excuse && !isWithin(metric.bounds, metric.limit, metric.better))
  if (open.length === 0 && excused.length > 0) {
    const reasons = excused.map(({ label, bounds, limit, better, excuse }) => {
      return `${label} lies in ${span(bounds)}, not ${better === 'lower' ? 'below' : 'above'} ${limit} for sure, ${excuse!.text(rounding!)}`
    })
    return { verdict: 'pass', reason: reasons.join('; '), isExcused: true }
  }
  if (open.length === 0) {
    return { verdict: 'pass', reason: rangesText(metrics) + condition }
  }
  const between = open.map(openText)
  if (advice !== undefined) return { verdict: 'undecided', reason: `${between.join('; ')}${condition}; ${advice}` }
  // More listed ids narrow the bounds of the KL divergence alone.
  const larger =
    kl.hi < limits.klDivergence
      ? `a snapshot with fidelity: 'full' decides it`
      : `a snapshot with a larger k may decide it, one with fidelity: 'full' does`
  return { verdict: 'undecided', reason: `${between.join('; ')}; ${larger}` }
}

/**
 * What is certain of the gated metrics by limits that nothing excuses.
 * @returns for each limit that is certainly exceeded, and for each that may be, a part of the reason
 */
export function judgeBoundsByHand(
  { klDivergence, cosineSimilarity }: MetricBounds,
  limits: Readonly<Partial<Record<GatedKey, number>>>,
): { over: string[]; open: string[] } {
  const metrics = [
    ...limited('KL divergence', klDivergence, limits.klDivergence),
    ...limited('cosine similarity', cosineSimilarity, limits.cosineSimilarity, 'higher'),
  ]
  return { over: metrics.flatMap(overText), open: metrics.filter((metric) => !isKept(metric)).map(openText) }
}

/** How the reason of a pass gives the bounds. */
export function rangesText(metrics: readonly Pick<Bounded, 'label' | 'bounds'>[]): string {
  return metrics.map(({ label, bounds }, i) => `${label} ${i === 0 ? 'lies ' : ''}in ${span(bounds)}`).join(', ')
}

function openText({ label, bounds, limit }: Bounded): string {
  return `${label} lies in ${span(bounds)}, ${OPEN} ${limit}`
}

function limited(
  label: string,
  bounds: Interval | undefined,
  limit: number | undefined,
  better: Bounded['better'] = 'lower',
  mustBeKnown = true,
  excuse?: Bounded['excuse'],
): Bounded[] {
  if (bounds === undefined || limit === undefined) return []
  return [{ label, bounds, limit, better, mustBeKnown, ...(excuse && { excuse }) }]
}

function atTheseLogits({ precision, largestKl }: BoundedRounding): string {
  return `within what ${precision} does at these logits: ${short(largestKl!)}`
}

function withSpread({ precision, spread, mostSpread }: BoundedRounding): string {
  return `with a relative spread of ${short(spread)}, within the ${short(mostSpread)} of ${precision}`
}

/** The whole interval lies on the good side of the limit, or of what rounding excuses. */
function isKept({ bounds, limit, better, excuse }: Bounded): boolean {
  return isWithin(bounds, excuse?.limit ?? limit, better)
}

/** All limits are strict. */
function isWithin(bounds: Interval, limit: number, better: Bounded['better']): boolean {
  return better === 'lower' ? bounds.hi < limit : bounds.lo > limit
}

/** Why a metric is certainly not within its limit, if it is not. */
function overText({ label, bounds, limit, better, excuse }: Bounded): string[] {
  const { lo, hi } = bounds
  const loosest = excuse?.limit ?? limit
  if (better === 'lower' ? lo < loosest : hi > loosest) return []
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
