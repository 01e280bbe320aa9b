import { type Note, warning } from '../lib/note.js'
import { counted, short } from '../lib/number-text.js'
import { QUANTITIES } from './calibration/quantities.js'
import { RUN_TOKENS } from './calibration/spread.js'
import type { CalibratedRunKey } from './calibration/types.js'
import { isFlip, knowsTop1 } from './divergence.js'
import { checkLimit } from './metric-limits.js'
import { OPEN, roundedAway } from './rounded-away.js'
import { binomialError, mean, percentile, standardError } from './statistics.js'
import type { RunKey, RunVerdict, TokenComparison } from './types.js'

/** A limit on a statistic of the whole run. */
interface RunGate {
  readonly label: string
  readonly better: 'lower' | 'higher'
  readonly accepts: (limit: number) => boolean
  readonly range: string
  /** How many tokens the statistic needs, so that a single token does not decide. */
  readonly leastTokens: (limit: number) => number
}

const ABOVE_ZERO = { accepts: (limit: number) => limit > 0, range: 'above 0' } as const

/** Every limit on a run. Option names, checks and messages derive from this table. */
const TABLE = {
  // Fewer tokens give no usable standard error.
  meanKl: { label: 'mean KL divergence', better: 'lower', ...ABOVE_ZERO, leastTokens: () => 10 },
  p99Kl: { label: '99th percentile of the KL divergence', better: 'lower', ...ABOVE_ZERO, leastTokens: () => 100 },
  top1Agreement: {
    label: 'top-1 agreement',
    better: 'higher',
    accepts: (limit) => limit >= 0 && limit < 1,
    range: 'in [0, 1)',
    // Rounded, since 1 / (1 − 0.9) is 10.000000000000002.
    leastTokens: (limit) => Math.ceil(Number((1 / (1 - limit)).toPrecision(9))),
  },
  medianSpread: measured('median relative spread'),
  medianScaleError: measured('median scale error'),
  medianPeak: measured('median error peak'),
} as const satisfies Readonly<Record<RunKey | CalibratedRunKey, RunGate>>

/** A statistic that only a calibration limits. */
function measured(label: string): RunGate {
  return { label, better: 'lower', ...ABOVE_ZERO, leastTokens: () => RUN_TOKENS }
}

/** What the option `thresholds` may limit. */
export const RUN_KEYS: readonly RunKey[] = ['meanKl', 'p99Kl', 'top1Agreement']

export type RunThresholds = Partial<Record<RunKey, number>>

/** The limits of `thresholds` and of a calibration. */
export type RunLimits = Partial<Record<RunKey | CalibratedRunKey, number>>

/**
 * The limits on a run among the caller's thresholds.
 * @throws GoldenLogitsError `invalid-argument`
 */
export function checkRunLimits(thresholds: Readonly<Record<string, unknown>>): RunThresholds {
  const limits: RunThresholds = {}
  for (const key of RUN_KEYS) {
    const limit = checkLimit(thresholds, key, TABLE[key])
    if (limit !== undefined) limits[key] = limit
  }
  return limits
}

/** Whether a verdict on a run makes it fail. */
export function failsRun({ verdict }: RunVerdict): boolean {
  return verdict === 'over-threshold' || verdict === 'undecided'
}

/** How many tokens a limit needs, so that a single one does not decide. */
export function leastTokens({ key, limit }: Pick<RunVerdict, 'key' | 'limit'>): number {
  // The factors of a baseline are judged only for enough tokens.
  return Object.hasOwn(TABLE, key) ? TABLE[key as keyof typeof TABLE].leastTokens(limit) : 0
}

/** Judges the statistics of the tokens by the limits. @param tokens those that are comparable */
export function judgeRun(tokens: Iterable<TokenComparison>, limits: RunLimits): RunVerdict[] {
  const asked = (Object.keys(TABLE) as (keyof typeof TABLE)[]).filter((key) => limits[key] !== undefined)
  if (asked.length === 0) return []
  const bounds = { lo: [] as number[], hi: [] as number[] }
  const isSame: number[] = []
  const medians = QUANTITIES.map(({ runLimit, value }) => ({ runLimit, value, values: [] as number[] })).filter(
    ({ runLimit }) => runLimit !== 'meanKl' && asked.some((key) => key === runLimit),
  )
  for (const token of tokens) {
    const { metrics, bounds: bounded } = token
    if (metrics || bounded) {
      // A KL divergence beside bounds is an estimate.
      bounds.lo.push(bounded?.klDivergence.lo ?? metrics!.klDivergence)
      bounds.hi.push(bounded?.klDivergence.hi ?? metrics!.klDivergence)
      if (knowsTop1(token)) isSame.push(isFlip(token) ? 0 : 1)
    }
    for (const { value, values } of medians) {
      const number = value(token)
      if (number !== undefined && !Number.isNaN(number)) values.push(number)
    }
  }
  const [lo, hi] = [Float64Array.from(bounds.lo).sort(), Float64Array.from(bounds.hi).sort()]
  return asked.map((key) => {
    const limit = limits[key]!
    if (key === 'meanKl') return verdictOf(key, limit, mean(lo), mean(hi), lo.length, standardError(hi))
    if (key === 'p99Kl') return verdictOf(key, limit, percentile(lo, 0.99), percentile(hi, 0.99), lo.length)
    if (key === 'top1Agreement') {
      const share = mean(isSame)
      return verdictOf(key, limit, share, share, isSame.length, binomialError(share, isSame.length))
    }
    const sorted = Float64Array.from(medians.find(({ runLimit }) => runLimit === key)!.values).sort()
    const middle = percentile(sorted, 0.5)
    return verdictOf(key, limit, middle, middle, sorted.length)
  })
}

function verdictOf(
  key: RunKey | CalibratedRunKey,
  limit: number,
  lo: number,
  hi: number,
  tokens: number,
  error?: number,
): RunVerdict {
  const { label, better, leastTokens } = TABLE[key]
  const [best, worst] = better === 'lower' ? [lo, hi] : [hi, lo]
  const isWithin = (value: number) => (better === 'lower' ? value < limit : value > limit)
  const least = leastTokens(limit)
  const count = counted(tokens, 'token')
  const about = error === undefined || Number.isNaN(error) ? '' : ` ± ${short(error)}`
  const side = better === 'lower' ? 'below' : 'above'
  const statistic =
    lo === hi || tokens === 0
      ? `${label} ${roundedAway(worst, limit, 4)}${about} of ${count}`
      : `${label} of ${count} lies in [${short(lo)}, ${short(hi)}]`
  const facts = { key, limit, lo, hi, tokens, ...(about !== '' && { error: error! }) }
  if (isWithin(worst) && tokens >= least) {
    return { ...facts, verdict: 'pass', reason: `${statistic} is ${side} ${limit}` }
  }
  if (tokens > 0 && !isWithin(best)) {
    return { ...facts, verdict: 'over-threshold', reason: `${statistic} is not ${side} ${limit}` }
  }
  if (tokens > 0 && !isWithin(worst)) {
    const reason = `${statistic}, ${OPEN} ${limit}; a snapshot with fidelity: 'full' decides it`
    return { ...facts, verdict: 'undecided', reason }
  }
  const shown = tokens === 0 ? `no token was measured for the ${label}` : `${statistic} is ${side} ${limit}`
  const reason = `${shown}, but the run is too short to tell: thresholds.${key} ${limit} needs at least ${least} comparable tokens; compare longer runs, or leave this limit out`
  return { ...facts, verdict: 'too-short', reason }
}

/** How many standard errors make a value differ from its limit. */
const ERRORS = 2

/** Limits that are kept by less than the error of the statistic: another run of the same build may exceed them. */
export function closeCalls(verdicts: readonly RunVerdict[]): Note[] {
  return verdicts.flatMap(({ key, limit, hi, lo, verdict, error, reason }) => {
    if (verdict !== 'pass' || error === undefined) return []
    const { better } = TABLE[key as RunKey]
    const edge = better === 'lower' ? hi + ERRORS * error : lo - ERRORS * error
    if (better === 'lower' ? edge < limit : edge > limit) return []
    const text = `${reason} by less than ${ERRORS} standard errors, so the run is too short to tell`
    return [warning(text, `compare longer runs, or set thresholds.${key} beyond ${roundedAway(edge, limit, 3)}`)]
  })
}
