import { describeValue, invalidArgument } from '../errors.js'
import {
  type LimitedKey,
  OPTIONAL,
  type OptionalKey,
  type OptionalMetrics,
  optionalRow,
} from '../metrics/optional/table.js'
import { roundedAway } from './rounded-away.js'

/** The names of the optional metrics that can have a limit. */
export const LIMITED_KEYS: readonly LimitedKey[] = OPTIONAL.filter(({ limit }) => limit).map(
  ({ key }) => key as LimitedKey,
)

const NAMES: readonly string[] = OPTIONAL.map(({ key }) => key)

/** The option `metrics`, each once, in the order of their table. @throws GoldenLogitsError `invalid-argument` */
export function checkMetrics(metrics: unknown): readonly OptionalKey[] {
  if (metrics === undefined) return []
  if (!Array.isArray(metrics)) {
    throw invalidArgument(`metrics must be a list such as ['totalVariation'], got ${describeValue(metrics)}`)
  }
  const given = Array.from<unknown>(metrics)
  const wrong = given.findIndex((name) => typeof name !== 'string' || !NAMES.includes(name))
  if (wrong >= 0) {
    const value = describeValue(given[wrong])
    throw invalidArgument(`metrics must list names of ${NAMES.join(', ')}; got ${value}`)
  }
  return OPTIONAL.map(({ key }) => key).filter((key) => given.includes(key))
}

/**
 * One of the caller's thresholds; undefined if it is left out.
 * @throws GoldenLogitsError `invalid-argument`
 */
export function checkLimit(
  thresholds: object,
  key: string,
  { accepts, range }: { readonly accepts: (limit: number) => boolean; readonly range: string },
): number | undefined {
  const limit = (thresholds as Record<string, unknown>)[key]
  if (limit === undefined) return undefined
  if (typeof limit === 'number' && accepts(limit)) return limit
  throw invalidArgument(`the threshold ${key} must be a number ${range}, got ${describeValue(limit)}`)
}

/** The limits of optional metrics among the caller's thresholds. @throws GoldenLogitsError `invalid-argument` */
export function checkMetricLimits(thresholds: object): Partial<Record<LimitedKey, number>> {
  const limits: Partial<Record<LimitedKey, number>> = {}
  for (const { key, limit: range } of OPTIONAL) {
    const limit = range && checkLimit(thresholds, key, range)
    if (limit !== undefined) limits[key as LimitedKey] = limit
  }
  return limits
}

type Limits = Readonly<Partial<Record<LimitedKey, number>>>

/** Which limits of optional metrics are not kept, one line each. All limits are strict. */
export function overMetrics(metrics: OptionalMetrics, limits: Limits): string[] {
  return OPTIONAL.flatMap(({ key, label, better }) => {
    const limit = limits[key as LimitedKey]
    if (limit === undefined) return []
    const value = metrics[key]
    if (value === undefined) return [`${label} is not defined for these rows, so its limit ${limit} cannot be kept`]
    if (isBetter(key, value, limit)) return []
    const side = { higher: 'above', lower: 'below', 'nearer-zero': 'nearer to 0 than' }[better!]
    return [`${label} ${metricText(value, limit)} is not ${side} ${limit}`]
  })
}

/** Whether the first of two values of an optional metric is the better one. */
export function isBetter(key: OptionalKey, value: number, other: number): boolean {
  const { better } = optionalRow(key)
  if (better === 'nearer-zero') return Math.abs(value) < Math.abs(other)
  return better === 'higher' ? value > other : value < other
}

/** A value for people, whose magnitude is never rounded across its limit. */
export function metricText(value: number, limit: number): string {
  return value < 0 ? `-${roundedAway(-value, limit)}` : roundedAway(value, limit)
}

/** Why rows that are rounded or known in part cannot keep the limits of optional metrics; undefined if none is unknown. */
export function unknownMetrics(limits: Limits, isKnown: (key: OptionalKey) => boolean): string | undefined {
  const unknown = OPTIONAL.filter(({ key }) => limits[key as LimitedKey] !== undefined && !isKnown(key))
  const labels = unknown.map(({ label }) => label)
  if (labels.length === 0) return undefined
  const verb = labels.length === 1 ? 'has a limit' : 'have limits'
  return `${labels.join(', ')} ${verb}, but a row is rounded or known in part, from which ${labels.length === 1 ? 'it does' : 'they do'} not follow; compare whole rows of logits, or leave the limit out`
}
