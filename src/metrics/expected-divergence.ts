import type { Row } from '../tensor/widen.js'
import { inverseExponential, MOST_EXPONENT } from './exponential.js'
import { topOf } from './noise.js'
import { type Precision, ulpAt } from './precision.js'

// How large an honest KL divergence is at given logits: see docs/verdicts.md.

/** What rounding alone does to the KL divergence of a row. */
interface ExpectedDivergence {
  /** H: the KL divergence to expect, in nats. */
  readonly mean: number
  /** ν: how many degrees of freedom it has. A peaked row has about one: its divergence scatters most. */
  readonly freedom: number
}

/**
 * H and ν of a golden row. Every logit i has the variance v = r·u²/12 + (ρs)²: u is the unit in the last place at the logit, r
 * the number of rounded sides, ρ the relative noise of the hidden state and s the standard deviation of the logits. With
 * p = softmax(golden) the divergence is ½ Var_p(δ), a quadratic form of the errors δ, so that
 *
 *     H = ½ Σ p(1−p)v,    ν = (Σ p(1−p)v)² / (Σ p²v² − 2 Σ p³v² + (Σ p²v)²)   (Welch–Satterthwaite)
 *
 * @param groups the golden's logits; the first group holds the highest one, and counts each once
 * @param noise ρs, the standard deviation of the errors that precede the last rounding
 * @param rounded r: 1 if the golden is of a finer dtype, else 2
 */
export function expectedDivergence(
  groups: readonly LogitGroup[],
  precision: Precision,
  noise: number,
  rounded: 1 | 2,
): ExpectedDivergence {
  const variances = variancesOf(precision, noise, rounded)
  const { logits } = groups[0]!
  const top = topOf(logits, logits.length)
  const sums: Sums = { others: 0, first1: 0, first2: 0, square2: 0, square3: 0, square4: 0 }
  for (const group of groups) addSums(sums, group, logits[top]!, group === groups[0] ? top : -1, variances)
  const { others, first1, first2, square2, square3, square4 } = sums
  const pTop = 1 / (1 + others)
  const vTop = variances[exponentOf(floatBits(logits)[top]!)]!
  // Apart from the others: 1 − p of a row with one probable id would lose its digits. No other p is over a half.
  const ownTop = pTop * pTop * others * vTop
  const first = ownTop + pTop * (first1 - pTop * first2)
  const squares = ownTop * ownTop + pTop * pTop * (square2 - pTop * (2 * square3 - pTop * square4))
  const cross = pTop * pTop * first2
  const fourth = pTop ** 4 * square4
  // Σ p²v² − 2 Σ p³v² + (Σ p²v)², without its cancellation.
  const quadratic = squares + 2 * pTop * pTop * vTop * cross + Math.max(0, cross * cross - fourth)
  return { mean: first / 2, freedom: quadratic > 0 ? (first * first) / quadratic : 1 }
}

/** Logits of a row, each of which stands for `weight` of them. */
export interface LogitGroup {
  readonly logits: Row
  readonly weight: number
}

/** Sums over all ids but the top-1 of w, wv, w²v, w²v², w³v² and w⁴v², with w = exp(logit − maximum). */
interface Sums {
  others: number
  first1: number
  first2: number
  square2: number
  square3: number
  square4: number
}

function addSums(sums: Sums, { logits, weight }: LogitGroup, max: number, top: number, variances: Float64Array): void {
  const bits = floatBits(logits)
  // One by one: V8 takes three times as long with numbers that an array was taken apart into.
  let others = 0
  let first1 = 0
  let first2 = 0
  let square2 = 0
  let square3 = 0
  let square4 = 0
  for (let i = 0; i < logits.length; i++) {
    const below = max - logits[i]!
    if (i === top || !(below < MOST_EXPONENT)) continue
    const w = inverseExponential(below)
    const wv = w * variances[exponentOf(bits[i]!)]!
    const w2v2 = wv * wv
    others += w
    first1 += wv
    first2 += w * wv
    square2 += w2v2
    square3 += w * w2v2
    square4 += w * w * w2v2
  }
  sums.others += weight * others
  sums.first1 += weight * first1
  sums.first2 += weight * first2
  sums.square2 += weight * square2
  sums.square3 += weight * square3
  sums.square4 += weight * square4
}

/** The bits of logits in float32. */
function floatBits(logits: Row): Uint32Array {
  const floats = logits instanceof Float32Array ? logits : new Float32Array(logits)
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length)
}

/** The exponent in the bits of a float32, from 0 (subnormal) to 255. */
function exponentOf(bits: number): number {
  return (bits >>> 23) & 0xff
}

/** v of a logit by its exponent in float32. */
function variancesOf(precision: Precision, noise: number, rounded: 1 | 2): Float64Array {
  const variances = new Float64Array(256)
  for (let exponent = 0; exponent < 256; exponent++) {
    const ulp = ULPS[precision][exponent]!
    variances[exponent] = (rounded * ulp * ulp) / 12 + noise * noise
  }
  return variances
}

/** The unit in the last place of numbers of each precision, by their exponent in float32. */
const ULPS: Readonly<Record<Precision, Float64Array>> = {
  bf16: ulpsOf('bf16'),
  fp16: ulpsOf('fp16'),
  fp32: ulpsOf('fp32'),
}

function ulpsOf(precision: Precision): Float64Array {
  return Float64Array.from({ length: 256 }, (_, exponent) => ulpAt(2 ** (exponent - 127), precision))
}

/**
 * An estimate of H from facts of a row that cost nothing, within some 25 %: Σ p(1−p) lies between (1−p₁)·max(1, 2p₁) and
 * (1−p₁)(1+p₁), with p₁ the highest probability, and the unit in the last place is that of the highest logit.
 */
export function estimatedDivergence(
  top: { readonly logit: number; readonly probability: number },
  precision: Precision,
  noise: number,
  rounded: 1 | 2,
): number {
  const p = top.probability
  const weight = (1 - p) * Math.sqrt(Math.max(1, 2 * p) * (1 + p))
  const ulp = ulpAt(top.logit, precision)
  return (weight / 2) * ((rounded * ulp * ulp) / 12 + noise * noise)
}

/**
 * How often a comparison has a token over its L by the law. It is small because real tails are heavier: with 10⁻³, 1 of 200
 * simulated honest runs fails, with 10⁻⁶ none of 200 in any setting of scripts/trust.mjs.
 */
const ALARMS = 1e-6

/**
 * L = H·χ²(1−α)/ν with α = 10⁻⁶ / tokens. The quantile is that of Wilson
 * and Hilferty.
 * @param tokens how many tokens the comparison has
 * @param alarms how often a comparison has a token over its L
 */
export function largestDivergence({ mean, freedom }: ExpectedDivergence, tokens: number, alarms = ALARMS): number {
  const z = normalQuantile(alarms / Math.max(1, tokens))
  const term = 2 / (9 * freedom)
  return mean * (1 - term + z * Math.sqrt(term)) ** 3
}

/** The z that a standard normal number exceeds with this small probability (Abramowitz and Stegun 26.2.23, then Newton). */
export function normalQuantile(probability: number): number {
  const t = Math.sqrt(-2 * Math.log(probability))
  let z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  for (let i = 0; i < 3; i++) z += (upperTail(z) - probability) / (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI))
  return z
}

/** The probability that a standard normal number exceeds z > 0: the continued fraction of Laplace, for z from 2 on. */
function upperTail(z: number): number {
  let fraction = z
  for (let k = 200; k >= 1; k--) fraction = z + k / fraction
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / fraction
}
