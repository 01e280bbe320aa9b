import { describeValue, invalidArgument } from '../errors.js'
import { type LimitedKey, OPTIONAL, type OptionalKey } from '../metrics/optional/table.js'

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
