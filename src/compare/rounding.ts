import { significant } from '../lib/number-text.js'
import type { EstimatedNoise, SideFacts } from '../measure/outcome.js'
import { expectedDivergence, largestDivergence } from '../metrics/expected-divergence.js'
import { type RoundedPrecision, SPREAD_LIMITS } from '../metrics/noise.js'
import { isFiner, type Precision, precisionOf, ulpAt } from '../metrics/precision.js'
import type { RowNoise } from '../metrics/row-noise.js'
import type { GatedKey, Metrics } from '../metrics/table.js'
import type { RowStats } from '../metrics/types.js'
import { calibratedReasons } from './calibration/judge.js'
import type { Calibration } from './calibration/types.js'
import type { CompareSettings } from './options.js'
import { cosineText, roundedAway } from './rounded-away.js'
import type { Thresholds, TokenNoise } from './types.js'

/** What limits a token, besides the numbers of the limits. */
export interface Rule {
  readonly isAware: boolean
  /** Limits that the caller set are hard: no rounding excuses a value over them. */
  readonly isHard: Readonly<Record<GatedKey, boolean>>
  /** A token over a limit passes if the maxima are within one ULP at the same vocab id. */
  readonly excusesMaxima: boolean
  /** How many tokens the comparison has. */
  readonly tokens: number
  /** Only limits by hand count: a baseline judges. */
  readonly isByHandOnly?: boolean
  readonly isCosineByHand?: boolean
  /** Measured limits, which are hard, too. */
  readonly calibration?: Calibration
}

export function ruleOf(
  { rounding, limits, calibration: used, measuredBaseline: baseline, rule }: CompareSettings,
  tokens: number,
): Rule {
  const measured = used?.calibration.tokenLimits ?? {}
  const isHard = {
    klDivergence: (limits.klDivergence ?? measured.klDivergence) !== undefined,
    cosineSimilarity: (limits.cosineSimilarity ?? measured.cosineSimilarity) !== undefined,
  }
  return {
    isAware: rounding !== 'reference',
    isHard,
    excusesMaxima: rule === 'logitscmp',
    tokens,
    ...(baseline && { isByHandOnly: true }),
    ...(used && { calibration: used.calibration, isCosineByHand: limits.cosineSimilarity !== undefined }),
  }
}

/** The judgement of measured rows: what is over its limit, and what is over a reference limit but within rounding. */
interface Judgement {
  /** One for each limit that is not kept. */
  readonly reasons: string[]
  /** One for each reference limit that is exceeded by no more than the rounding of the precision explains. */
  readonly excuses: string[]
}

/**
 * Judges the metrics by the limits. With `rounding: 'aware'` by two questions: how noisy is the row (its relative spread,
 * against what the precision does), and is the damage where it matters (its KL divergence, against what rounding does at
 * these logits).
 */
export function judgeMetrics(
  metrics: Readonly<Metrics>,
  limits: Thresholds,
  noise: TokenNoise | undefined,
  rule: Rule,
): Judgement {
  const { klDivergence: kl, cosineSimilarity: cosine } = metrics
  const [reasons, excuses] = [[] as string[], [] as string[]]
  const { precision } = limits
  const spread = rule.isAware && precision !== 'fp32' && noise?.isExact ? noise.relativeSpread : undefined
  const most = precision === 'fp32' ? 0 : SPREAD_LIMITS[precision].token
  const counts = (key: GatedKey) => !rule.isByHandOnly || rule.isHard[key]
  if (counts('klDivergence') && !(kl < limits.klDivergence)) {
    const largest = spread === undefined || rule.isHard.klDivergence ? undefined : noise!.largestKl
    if (largest !== undefined && kl < largest) {
      const over = roundedAway(kl, limits.klDivergence, 3)
      excuses.push(
        `KL divergence ${over} over ${limits.klDivergence}, within what ${precision} does at these logits: ${roundedAway(largest, kl, 3)}`,
      )
    } else reasons.push(overKl(kl, limits))
  }
  if (counts('cosineSimilarity') && !isShifted(noise, rule) && !(cosine > limits.cosineSimilarity)) {
    if (spread !== undefined && spread <= most && !rule.isHard.cosineSimilarity) {
      excuses.push(
        `cosine similarity ${cosineText(cosine, limits.cosineSimilarity)} not above ${limits.cosineSimilarity}, with a relative spread of ${roundedAway(spread, most, 3)}, within the ${roundedAway(most, spread, 3)} of ${precision}`,
      )
    } else reasons.push(overCosine(cosine, limits))
  }
  const isByHand = rule.isHard.klDivergence || rule.isHard.cosineSimilarity
  if (spread !== undefined && spread > most && !isByHand && !rule.isByHandOnly) {
    reasons.push(overSpread(spread, most, precision))
  }
  if (rule.calibration) reasons.push(...calibratedReasons(rule.calibration, { metrics, ...(noise && { noise }) }))
  return { reasons, excuses }
}

/** An estimated spread is within 7 % (one standard deviation): its limit is lower by two of these. */
const ESTIMATE_ROOM = 1.15

/** What the rounding rule says of a pair whose metrics are known within bounds. */
export interface BoundedRounding {
  readonly precision: RoundedPrecision
  /** d, and its limit. */
  readonly spread: number
  readonly mostSpread: number
  /** L; undefined if the limit of the KL divergence is hard. */
  readonly largestKl: number | undefined
  readonly excusesCosine: boolean
  /** The spread itself fails the token if it is over its limit. */
  readonly limitsSpread: boolean
}

/**
 * The rule of `judgeMetrics` for a row that is known in part: its noise is estimated.
 * @returns undefined if rounding excuses nothing
 */
export function boundedRounding(
  noise: EstimatedNoise | undefined,
  golden: Pick<SideFacts, 'dtype' | 'savedFrom'>,
  { precision }: Thresholds,
  rule: Rule,
): BoundedRounding | undefined {
  if (!noise || !rule.isAware || precision === 'fp32' || rule.isByHandOnly || rule.calibration) return undefined
  const { cap, token } = SPREAD_LIMITS[precision]
  const mostSpread = token / ESTIMATE_ROOM
  const { relativeSpread: spread, goldenDeviation, groups } = noise
  const source = golden.savedFrom ?? golden.dtype
  const rounded = isFiner(source && precisionOf(source), precision) ? 1 : 2
  const { klDivergence: isKlHard, cosineSimilarity: isCosineHard } = rule.isHard
  const rows = groups.map(({ logits, weight }) => ({ logits: Float64Array.from(logits), weight }))
  const expected = expectedDivergence(rows, precision, Math.min(spread, cap) * goldenDeviation, rounded)
  return {
    precision,
    spread,
    mostSpread,
    largestKl: isKlHard ? undefined : largestDivergence(expected, rule.tokens),
    excusesCosine: !isCosineHard && spread <= mostSpread,
    limitsSpread: !isKlHard && !isCosineHard,
  }
}

/** @param how before the number */
export function overSpread(spread: number, most: number, precision: Precision, how = ''): string {
  return `relative spread ${how}${roundedAway(spread, most, 3)} is above ${roundedAway(most, spread, 3)}: more noise than ${precision} makes, or a factor on the logits`
}

/**
 * Whether a row is within the calibrated spread, so that a calibrated limit on its cosine similarity does not count: a shift of all
 * logits, which changes no probability, moves the cosine, and honest runs shift by different amounts.
 */
function isShifted(noise: TokenNoise | undefined, { calibration, isCosineByHand }: Rule): boolean {
  const limit = calibration?.tokenLimits.relativeSpread?.limit
  return limit !== undefined && !isCosineByHand && noise !== undefined && noise.relativeSpread < limit
}

export function overKl(kl: number, { klDivergence: limit }: Readonly<Record<GatedKey, number>>): string {
  return kl < limit ? '' : `KL divergence ${roundedAway(kl, limit)} is not below ${limit}`
}

export function overCosine(cosine: number, { cosineSimilarity: limit }: Readonly<Record<GatedKey, number>>): string {
  return cosine > limit ? '' : `cosine similarity ${cosineText(cosine, limit)} is not above ${limit}`
}

/** What a token shows of its noise; undefined if nothing is known. */
export function tokenNoise(noise: RowNoise | undefined, tokens: number): TokenNoise | undefined {
  if (noise === undefined || Number.isNaN(noise.relativeSpread)) return undefined
  const { relativeSpread, goldenDeviation, dumpDeviation, expectedDivergence, freedom } = noise
  const isExact = !Number.isNaN(freedom)
  const deviationRatio = goldenDeviation > 0 ? dumpDeviation / goldenDeviation : Number.NaN
  const result: TokenNoise = { relativeSpread, deviationRatio, goldenDeviation, isExact }
  if (!isExact) return result
  result.expectedKl = expectedDivergence
  result.largestKl = largestDivergence({ mean: expectedDivergence, freedom }, tokens)
  return result
}

/** Why a token passes over a limit: the maxima are within one ULP at the same vocab id. Undefined if they are not. */
export function maximaExcuse(golden: RowStats, dump: RowStats, precision: Precision): string | undefined {
  const difference = Math.abs(golden.max - dump.max)
  if (golden.top1 !== dump.top1 || dump.max === 0) return undefined
  const ulp = ulpAt(dump.max, precision)
  if (!(difference <= ulp)) return undefined
  return `excused by the rule of logitscmp: the maxima at vocab id ${dump.top1} are ${significant(difference, 3)} apart, within 1 ULP of ${precision} (${significant(ulp, 3)})`
}
