import { type LimitedKey, OPTIONAL, type OptionalMetrics, optionalRow } from '../metrics/optional/table.js'
import { roundedAway } from './rounded-away.js'

type Limits = Readonly<Partial<Record<LimitedKey, number>>>

/** Which limits of optional metrics are not kept, one line each. All limits are strict. */
export function overMetrics(metrics: OptionalMetrics, limits: Limits): string[] {
  return OPTIONAL.flatMap(({ key, label }) => {
    const limit = limits[key as LimitedKey]
    if (limit === undefined) return []
    const value = metrics[key]
    if (value === undefined) return [`${label} is not defined for these rows, so its limit ${limit} cannot be kept`]
    return isKept(key as LimitedKey, value, limit) ? [] : [overText(key as LimitedKey, value, limit)]
  })
}

function isKept(key: LimitedKey, value: number, limit: number): boolean {
  const { better } = optionalRow(key)
  if (better === 'higher') return value > limit
  return (better === 'lower' ? value : Math.abs(value)) < limit
}

function overText(key: LimitedKey, value: number, limit: number): string {
  const { label, better } = optionalRow(key)
  const side = { higher: 'above', lower: 'below', 'nearer-zero': 'nearer to 0 than' }[better!]
  return `${label} ${metricText(value, limit)} is not ${side} ${limit}`
}

/** A value for people, whose magnitude is never rounded across its limit. */
export function metricText(value: number, limit: number): string {
  return value < 0 ? `-${roundedAway(-value, limit)}` : roundedAway(value, limit)
}

/** Why rows that are rounded or known in part cannot keep the limits of optional metrics; undefined without such limits. */
export function unknownMetrics(limits: Limits): string | undefined {
  const labels = OPTIONAL.filter(({ key }) => limits[key as LimitedKey] !== undefined).map(({ label }) => label)
  if (labels.length === 0) return undefined
  const verb = labels.length === 1 ? 'has a limit' : 'have limits'
  return `${labels.join(', ')} ${verb}, but a row is rounded or known in part, from which ${labels.length === 1 ? 'it does' : 'they do'} not follow; compare whole rows of logits, or leave the limit out`
}
