import { OPTIONAL } from '../metrics/optional/table.js'
import { isFlip, knowsTop1 } from './divergence.js'
import { isBetter } from './metric-limits.js'
import type { MetricStatistics, Percentile, RunStatistics, ValueAt } from './run-statistics.js'
import type { TokenComparison } from './types.js'

/** As `llama-perplexity --kl-divergence` prints them. */
export const PERCENTS = [99.9, 99, 95, 90, 50, 10, 5, 1, 0.1]

/** Ends of the ranges of confidence, as exllamav3's benchmark has them. */
const CONFIDENCES = [0, 0.25, 0.5, 0.75, 0.95, 1]

/** @returns undefined if no comparable token was measured */
export function runStatistics(tokens: Iterable<TokenComparison>): RunStatistics | undefined {
  const kls: number[] = []
  let [same, known] = [0, 0]
  let maxKl: ValueAt = { value: Number.NEGATIVE_INFINITY, step: -1 }
  let minCosine: ValueAt = { value: Number.POSITIVE_INFINITY, step: -1 }
  const optional = new MetricColumns()
  const ranges = CONFIDENCES.slice(1).map((to, i) => ({ from: CONFIDENCES[i]!, to, kls: [] as number[], same: 0 }))
  for (const token of tokens) {
    // Behind the divergence the two runs read different texts.
    if (token.verdict === 'not-comparable') continue
    const isSame = !isFlip(token)
    if (knowsTop1(token)) {
      known++
      if (isSame) same++
    }
    // A layer has no distribution, so no KL divergence.
    if (token.metrics?.klDivergence === undefined) continue
    optional.add(token)
    const { klDivergence: kl, cosineSimilarity: cosine } = token.metrics
    kls.push(kl)
    if (kl > maxKl.value) maxKl = valueAt(kl, token)
    if (cosine !== undefined && cosine < minCosine.value) minCosine = valueAt(cosine, token)
    const { topProbability: p } = token
    const range = p === undefined ? undefined : (ranges.find(({ to }) => p < to) ?? ranges.at(-1)!)
    range?.kls.push(kl)
    if (range && isSame) range.same++
  }
  if (kls.length === 0) return undefined
  const sorted = Float64Array.from(kls).sort()
  const error = standardError(sorted)
  const share = same / known
  const metrics = optional.statistics()
  const confidence = ranges
    .filter((range) => range.kls.length > 0)
    .map(({ from, to, kls, same }) => {
      return { from, to, tokens: kls.length, meanKl: mean(kls), top1Agreement: same / kls.length }
    })
  return {
    tokens: kls.length,
    meanKl: mean(sorted),
    ...(error !== undefined && { meanKlError: error }),
    maxKl,
    klPercentiles: percentiles(sorted),
    ...(minCosine.step >= 0 && { minCosine }),
    top1Agreement: { value: share, error: binomialError(share, known), tokens: known },
    ...(confidence.length > 0 && { confidence }),
    ...(metrics.length > 0 && { metrics }),
  }
}

function valueAt(value: number, { step, position, run }: TokenComparison): ValueAt {
  return { value, step, ...(position !== undefined && { position }), ...(run !== undefined && { run }) }
}

/** The values of each optional metric. */
class MetricColumns {
  private readonly columns = OPTIONAL.filter(({ better }) => better).map(({ key, better }) => {
    return { key, better, values: [] as number[], worst: { value: Number.NaN, step: -1 } as ValueAt }
  })

  add(token: TokenComparison): void {
    for (const column of this.columns) {
      const value = token.metrics?.[column.key]
      if (value === undefined) continue
      column.values.push(value)
      const { worst } = column
      if (worst.step < 0 || isBetter(column.key, worst.value, value)) column.worst = valueAt(value, token)
    }
  }

  statistics(): MetricStatistics[] {
    return this.columns
      .filter(({ values }) => values.length > 0)
      .map(({ key, better, values, worst }) => {
        const error = standardError(values)
        const rms = Math.sqrt(mean(values.map((value) => value * value)))
        return {
          key,
          tokens: values.length,
          mean: mean(values),
          ...(error !== undefined && { error }),
          ...(better === 'nearer-zero' && { rms }),
          percentiles: percentiles(Float64Array.from(values).sort()),
          worst,
        }
      })
  }
}

function percentiles(sorted: Float64Array): readonly Percentile[] {
  return PERCENTS.map((percent) => ({ percent, value: percentile(sorted, percent / 100) }))
}

/** NaN without values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}

/** The standard error of the mean; undefined for fewer than two values. */
export function standardError(values: ArrayLike<number>): number | undefined {
  const count = values.length
  if (count < 2) return undefined
  const middle = mean(values)
  let squares = 0
  for (let i = 0; i < count; i++) squares += (values[i]! - middle) ** 2
  return Math.sqrt(squares / (count - 1) / count)
}

/** The standard error of a share of `count` tokens, as `llama-perplexity` has it: √(p(1 − p)/(n − 1)). */
export function binomialError(share: number, count: number): number {
  return Math.sqrt((share * (1 - share)) / Math.max(1, count - 1))
}

/** Linear between neighbours, as NumPy's default; NaN without values. @param share in [0, 1] */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN]
  return low === high ? low : low + (at - Math.floor(at)) * (high - low)
}
