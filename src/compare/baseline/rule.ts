import { estimatedDivergence, largestDivergence } from '../../metrics/expected-divergence.js'
import { median } from '../../metrics/median.js'
import { quantityNamed } from '../calibration/quantities.js'
import type { ListedComparison, Precision, TokenComparison } from '../types.js'

/** Fewer tokens of a baseline show nothing of its run. */
export const LEAST_TOKENS = 10

/** The noise of a hidden state differs from token to token by this factor (noise law). */
const SCATTER = 3

/**
 * The default factor, by the number of comparable tokens of the baseline. PyTorch's compiler tests take 2, 3 for 16-bit and small
 * tensors, and more for tiny ones: with fewer numbers two honest errors differ more.
 */
const FACTORS: readonly (readonly [tokens: number, factor: number])[] = [
  [32, 1.5],
  [LEAST_TOKENS, 2],
  [0, 3],
]

function defaultFactor(tokens: number): number {
  return FACTORS.find(([least]) => tokens >= least)![1]
}

/** The errors of an accepted low-precision run against the golden: what the tested side may do, times the factor. */
export interface Baseline {
  readonly path: string
  readonly precision: Precision
  readonly factor: number
  /** The factor over as many tokens as both sides have. */
  readonly factorOver: (tokens: number) => number
  /** Comparable tokens with metrics. */
  readonly tokens: number
  /** Over its comparable tokens; undefined if fewer than `LEAST_TOKENS` show it. */
  readonly medianSpread: number | undefined
  readonly medianPeak: number | undefined
  readonly highestScaleError: number | undefined
  readonly highestPeak: number | undefined
  readonly highestKl: number
  /** The last step at which it had read the golden's text; undefined if it read all of it. */
  readonly lastStep: number | undefined
  /** Its token at that place. */
  readonly at: (step: number, position: number | undefined) => TokenComparison | undefined
}

/**
 * @param comparison of the baseline with the golden, without limits
 * @param asked the option `baselineFactor`
 */
export function baselineOf(comparison: ListedComparison, asked: number | undefined): Baseline {
  const { tokens: list, dumpPath, thresholds } = comparison
  const places = new Map<string, number>()
  const kept: Record<'relativeSpread' | 'errorPeak' | 'scaleError' | 'klDivergence', number[]> = {
    relativeSpread: [],
    errorPeak: [],
    scaleError: [],
    klDivergence: [],
  }
  let lastStep: number | undefined
  let before: number | undefined
  for (let i = 0; i < list.length; i++) {
    const token = list.at(i)!
    places.set(placeOf(token.step, token.position), i)
    if (token.verdict === 'not-comparable') lastStep ??= before
    else before = token.step
    if (token.verdict === 'not-comparable' || !token.metrics) continue
    for (const key of Object.keys(kept) as (keyof typeof kept)[]) {
      const value = quantityNamed(key).value(token)
      if (value !== undefined && Number.isFinite(value)) kept[key].push(value)
    }
  }
  const tokens = kept.klDivergence.length
  return {
    path: dumpPath,
    precision: thresholds.precision,
    factor: asked ?? defaultFactor(tokens),
    factorOver: (count) => asked ?? defaultFactor(Math.min(count, tokens)),
    tokens,
    // A few tokens show about how noisy their run is.
    medianSpread: middle(kept.relativeSpread),
    medianPeak: middle(enough(kept.errorPeak)),
    highestScaleError: highest(enough(kept.scaleError)),
    highestPeak: highest(enough(kept.errorPeak)),
    highestKl: highest(kept.klDivergence) ?? 0,
    lastStep,
    at: (step, position) => {
      const index = places.get(placeOf(step, position))
      return index === undefined ? undefined : list.at(index)
    },
  }
}

/** Undefined for too few values to show anything of a run. */
export function enough(values: readonly number[]): readonly number[] | undefined {
  return values.length < LEAST_TOKENS ? undefined : values
}

function placeOf(step: number, position: number | undefined): string {
  return `${step} ${position}`
}

/** The median; undefined without values. */
export function middle(values: readonly number[] | undefined): number | undefined {
  return values && values.length > 0 ? median(Float64Array.from(values), values.length) : undefined
}

function highest(values: readonly number[] | undefined): number | undefined {
  return values && values.length > 0 ? values.reduce((a, b) => Math.max(a, b)) : undefined
}

/**
 * What the tested side may do at a token: the factor m times the error of the baseline there, or times what its noise may do at
 * these logits, if that is more. A token at which the baseline is exact by luck must not fail an honest run.
 *
 * - KL divergence: m² · max(KL of the baseline, L), since it grows with the square of the errors. L is the noise law at the
 *   relative spread of the baseline, its median or that of the token, or at 1/m of the tested token's spread as far as that is
 *   allowed: noise is judged by the spread, damage beyond that noise by the KL divergence
 * - relative spread: m · max(d of the baseline, 3 times its median)
 * - scale error: m · max(that of the baseline, 3 times its highest)
 * - error peak: m · max(that of the baseline, its highest)
 *
 * @param tokens how many the comparison has
 * @returns undefined for what the baseline does not show
 */
export function allowance(baseline: Baseline, accepted: TokenComparison, tested: TokenComparison, tokens: number) {
  const { factor, medianSpread, highestScaleError, highestPeak } = baseline
  const own = (key: 'relativeSpread' | 'scaleError' | 'errorPeak') => quantityNamed(key).value(accepted) ?? 0
  const spread = medianSpread === undefined ? undefined : Math.max(own('relativeSpread'), SCATTER * medianSpread)
  const noise = Math.min(tested.noise?.relativeSpread ?? 0, factor * (spread ?? 0)) / factor
  const floor = largestByLaw(baseline, accepted, tested, noise, tokens) ?? baseline.highestKl
  return {
    klDivergence: factor * factor * Math.max(accepted.metrics!.klDivergence, floor),
    relativeSpread: spread === undefined ? undefined : factor * spread,
    scaleError:
      highestScaleError === undefined ? undefined : factor * Math.max(own('scaleError'), SCATTER * highestScaleError),
    errorPeak: highestPeak === undefined ? undefined : factor * Math.max(own('errorPeak'), highestPeak),
  }
}

/** L at the baseline's noise; undefined if the noise of the rows is not known. */
function largestByLaw(
  baseline: Baseline,
  accepted: TokenComparison,
  tested: TokenComparison,
  noise: number,
  tokens: number,
): number | undefined {
  const mean = expectedByLaw(baseline, accepted, noise)
  if (mean === undefined) return undefined
  // L/H depends on ν alone, which the token shows if its noise was measured exactly. ν is at least 1.
  const { expectedKl, largestKl } = tested.noise ?? {}
  if (expectedKl !== undefined && largestKl !== undefined && expectedKl > 0) return mean * (largestKl / expectedKl)
  return largestDivergence({ mean, freedom: 1 }, tokens)
}

/** H at the baseline's noise: the KL divergence to expect of it at these logits. @param least a relative spread */
export function expectedByLaw(
  { precision, medianSpread }: Baseline,
  token: TokenComparison,
  least = 0,
): number | undefined {
  const { golden, noise, topProbability } = token
  const logit = golden?.top1Logit
  if (logit === undefined || topProbability === undefined || medianSpread === undefined) return undefined
  if (!(noise && noise.goldenDeviation > 0)) return undefined
  const errors = Math.max(noise.relativeSpread, medianSpread, least) * noise.goldenDeviation
  // A record holds the probability as float32, which rounds it to 1 where the others are below 2⁻²⁵.
  const probability = Math.min(topProbability, 1 - 2 ** -24)
  return estimatedDivergence({ logit, probability }, precision, errors, 2)
}
