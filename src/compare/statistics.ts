import { isFlip, knowsTop1 } from './divergence.js'
import type { TokenComparison } from './types.js'

/** The whole run in a few numbers, over the tokens whose metrics are known. KL in nats. */
export interface RunStatistics {
  /** Number of tokens behind the KL numbers. */
  readonly tokens: number
  readonly meanKl: number
  /** Standard error of the mean; absent for a single token. */
  readonly meanKlError?: number
  readonly maxKl: { readonly value: number; readonly step: number }
  /** Percentiles of the KL divergence, linear between neighbours. */
  readonly klPercentiles: readonly { readonly percent: number; readonly value: number }[]
  readonly minCosine: { readonly value: number; readonly step: number }
  /** Share of tokens with the same top-1 on both sides, and its binomial standard error. */
  readonly top1Agreement: { readonly value: number; readonly error: number; readonly tokens: number }
}

/** As `llama-perplexity --kl-divergence` prints them. */
const PERCENTS = [99.9, 99, 95, 90, 50, 10]

/** @returns undefined if no token was measured */
export function runStatistics(tokens: Iterable<TokenComparison>): RunStatistics | undefined {
  const kls: number[] = []
  let [sum, squares, same, known] = [0, 0, 0, 0]
  let maxKl = { value: Number.NEGATIVE_INFINITY, step: -1 }
  let minCosine = { value: Number.POSITIVE_INFINITY, step: -1 }
  for (const token of tokens) {
    if (knowsTop1(token)) {
      known++
      if (!isFlip(token)) same++
    }
    if (!token.metrics) continue
    const { klDivergence: kl, cosineSimilarity: cosine } = token.metrics
    kls.push(kl)
    sum += kl
    squares += kl * kl
    if (kl > maxKl.value) maxKl = { value: kl, step: token.step }
    if (cosine < minCosine.value) minCosine = { value: cosine, step: token.step }
  }
  const count = kls.length
  if (count === 0) return undefined
  const sorted = Float64Array.from(kls).sort()
  const mean = sum / count
  const variance = Math.max(0, (squares - count * mean * mean) / (count - 1))
  const share = same / known
  return {
    tokens: count,
    meanKl: mean,
    ...(count > 1 && { meanKlError: Math.sqrt(variance / count) }),
    maxKl,
    klPercentiles: PERCENTS.map((percent) => ({ percent, value: percentile(sorted, percent / 100) })),
    minCosine,
    top1Agreement: { value: share, error: Math.sqrt((share * (1 - share)) / known), tokens: known },
  }
}

/** @param share in [0, 1] */
function percentile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!]
  return low === high ? low : low + (at - Math.floor(at)) * (high - low)
}
