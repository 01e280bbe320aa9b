import { invalidArgument } from '../errors.js'
import { significant } from '../lib/number-text.js'
import { type LimitedKey, OPTIONAL, type OptionalKey } from '../metrics/optional/table.js'
import { ulpAt } from '../metrics/precision.js'
import type { GatedKey } from '../metrics/table.js'
import type { RowStats } from '../metrics/types.js'
import type { Precision } from './types.js'

/** The settings of a comparison that the rule sets, or that are rules of their own. */
interface Settings {
  readonly precision: Precision | undefined
  readonly limits: Partial<Record<GatedKey, number>>
  readonly metricLimits: Partial<Record<LimitedKey, number>>
  readonly metrics: readonly OptionalKey[]
  readonly rounding: 'aware' | 'reference' | undefined
  readonly calibration: object | undefined
  readonly baseline: object | undefined
}

const METRICS: readonly OptionalKey[] = ['l1Norm', 'ulpMaxDiff', 'ulp']

/**
 * The rule of `msit llm logitscmp`: cosine similarity above 0.999, KL divergence below 0.0001 and the magnitude of the L1 norm
 * below 0.01, unless `thresholds` says otherwise; or the maxima are within one ULP of `dtype` (fp16, if it is left out) at the same
 * vocab id. The removed tool did not look at the id, and took any negative L1 norm.
 * @throws GoldenLogitsError `invalid-argument` for options that are rules of their own
 */
export function withLogitscmp<S extends Settings>(settings: S): S {
  const others = {
    calibration: settings.calibration,
    baseline: settings.baseline,
    "rounding: 'aware'": settings.rounding === 'aware' || undefined,
  }
  const other = Object.entries(others).find(([, value]) => value !== undefined)?.[0]
  if (other !== undefined) throw invalidArgument(`rule 'logitscmp' has its own limits: leave out ${other}`)
  return {
    ...settings,
    precision: settings.precision ?? 'fp16',
    limits: { klDivergence: 0.0001, cosineSimilarity: 0.999, ...settings.limits },
    metricLimits: { l1Norm: 0.01, ...settings.metricLimits },
    metrics: OPTIONAL.map(({ key }) => key).filter((key) => settings.metrics.includes(key) || METRICS.includes(key)),
    rounding: 'reference',
  }
}

/** Why a token passes over a limit: the maxima are within one ULP at the same vocab id. Undefined if they are not. */
export function maximaExcuse(golden: RowStats, dump: RowStats, precision: Precision): string | undefined {
  const difference = Math.abs(golden.max - dump.max)
  if (golden.top1 !== dump.top1 || dump.max === 0) return undefined
  const ulp = ulpAt(dump.max, precision)
  if (!(difference <= ulp)) return undefined
  return `excused by the rule of logitscmp: the maxima at vocab id ${dump.top1} are ${significant(difference, 3)} apart, within 1 ULP of ${precision} (${significant(ulp, 3)})`
}
