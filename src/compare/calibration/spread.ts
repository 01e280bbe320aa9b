import { mean, percentile } from '../statistics.js'
import type { MetricSpread } from './types.js'

/** Fewer tokens show no tail. */
export const LEAST_TOKENS = 100

/** The share of honest tokens that may exceed a limit: with fewer than a thousand tokens a run, one run in a thousand. */
const SHARE = 1e-6

/** The tail is that of the highest tenth. */
const TAIL = 0.1

/** Limits for runs of at least this many comparable tokens. */
export const RUN_TOKENS = 32

/** How many standard errors a run may be worse than the calibration: one honest run in 30,000 by the normal distribution. */
const ERRORS = 4

/** @param sorted finite numbers, ascending, at least `LEAST_TOKENS` */
export function spreadOf(sorted: Float64Array): MetricSpread {
  const at = (share: number) => short(percentile(sorted, share))
  const tailTokens = Math.round(TAIL * sorted.length)
  const tail = short(tailOf(sorted, tailTokens))
  return { median: at(0.5), p90: at(0.9), p99: at(0.99), max: short(sorted.at(-1)!), tail, tailTokens }
}

function short(value: number): number {
  return Number(value.toPrecision(3))
}

/**
 * What a share of 10⁻⁶ exceeds: peaks over a threshold with an exponential tail (generalised Pareto with shape 0, the limit of
 * Pickands, Balkema and de Haan for normal and χ² tails). Of the k values over the threshold u, β is the mean excess, raised by two
 * of its standard errors β/√k, and the tail is u + β·ln(k / (n·10⁻⁶)).
 */
function tailOf(sorted: Float64Array, k: number): number {
  const n = sorted.length
  const threshold = sorted[n - k - 1]!
  const excess = (mean(sorted.subarray(n - k)) - threshold) * (1 + 2 / Math.sqrt(k))
  return threshold + excess * Math.log(k / (n * SHARE))
}

/**
 * Texts that were not measured may be twice as noisy as the noisiest that was, and the tail may be heavier than an exponential one: a
 * limit is at least twice the highest honest value.
 */
const MARGIN = 2

/**
 * The limit on a token, before rounding, and how many times the highest value it is, if that decided it.
 * @param isSquare the quantity grows with the square of the errors
 */
export function tokenLimit(
  { tail, max }: MetricSpread,
  isSquare: boolean,
): { readonly value: number; readonly times: number | undefined } {
  const times = isSquare ? MARGIN * MARGIN : MARGIN
  return tail < times * max ? { value: times * max, times } : { value: tail, times: undefined }
}

/**
 * What the median of `RUN_TOKENS` honest tokens hardly ever exceeds, without an assumption on their distribution: a median is
 * above q only if half of its tokens are, so q is the quantile of the calibration that is 4 standard errors of a share above a half.
 */
export function largestMedian(sorted: Float64Array): number {
  const error = 0.5 * Math.sqrt(1 / RUN_TOKENS + 1 / sorted.length)
  return percentile(sorted, Math.min(1, 0.5 + ERRORS * error))
}

/** What the mean of `RUN_TOKENS` honest tokens hardly ever exceeds: 4 standard errors above the mean. */
export function largestMean(values: Float64Array): number {
  const middle = mean(values)
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0)
  const deviation = Math.sqrt(squares / (values.length - 1))
  return middle + ERRORS * deviation * Math.sqrt(1 / RUN_TOKENS + 1 / values.length)
}

/**
 * The worst value of a statistic over `RUN_TOKENS` tokens in a row of one run: tokens of one text are alike, which the formulas do not
 * know.
 * @param runs the values of each run, in the order of its tokens
 * @returns undefined if every run is shorter
 */
export function worstWindow(
  runs: readonly Float64Array[],
  statistic: (window: Float64Array) => number,
): number | undefined {
  let worst: number | undefined
  for (const run of runs) {
    for (let start = 0; start + RUN_TOKENS <= run.length; start++) {
      const value = statistic(run.slice(start, start + RUN_TOKENS))
      if (worst === undefined || value > worst) worst = value
    }
  }
  return worst
}
