import type { Row } from '../tensor/widen.js'
import { sampledColumns } from '../tensor/widen.js'
import { inverseExponential, MOST_EXPONENT } from './exponential.js'
import { robustDeviation, select } from './median.js'
import { FRACTION_BITS, leastUlp, type Precision, ulpAt } from './precision.js'

// How large an honest KL divergence is at given logits: see docs/verdicts.md.

/** With fewer columns the spread of a row is not measured well enough to judge it. */
export const LEAST_COLUMNS = 256

/** A logit this far below the row's maximum is suppressed like −Inf: its probability is 0 in float64. */
export const SUPPRESSED = 750

/** The precisions whose rounding is known: what `rounding: 'aware'` judges. */
export type RoundedPrecision = Exclude<Precision, 'fp32'>

/** Limits on the relative spread of a precision. A model's hidden state is rounded many times before its logits are. */
export interface SpreadLimits {
  /** The largest relative spread that counts as noise of the precision in the KL divergence to expect. */
  readonly cap: number
  /** A token with a larger one fails. */
  readonly token: number
}

/** The worst honest tokens have 0.059 (bf16) and 0.0069 (fp16), a factor of 1.1 makes 0.097. */
export const SPREAD_LIMITS: Readonly<Record<RoundedPrecision, SpreadLimits>> = {
  bf16: { cap: 2 ** -4, token: 2 ** -3.5 },
  fp16: { cap: 2 ** -7, token: 2 ** -6.5 },
}

/** The finite logits of both rows, without suppressed ones: their gaps dump − golden, and their standard deviations. */
interface Gaps {
  readonly values: Float64Array
  readonly count: number
  readonly goldenDeviation: number
  readonly dumpDeviation: number
}

/** How noisy a pair of rows is. */
export interface Spread {
  /**
   * d: the robust deviation of dump − golden over the standard deviation of the golden's logits. Thousands of columns measure
   * it well, and a fault in a few of them does not move it. 0 if the golden's logits are all equal.
   */
  readonly relative: number
  /** Standard deviations over the vocab ids that are finite on both sides. */
  readonly goldenDeviation: number
  readonly dumpDeviation: number
}

/** The spread is measured over at most this many columns, at even distances: it is then within 5 % of that of all. */
export const MOST_COLUMNS = 4096

/**
 * The spread of a pair over its first `count` columns, at most `MOST_COLUMNS` of them.
 * @returns undefined if fewer than `least` are finite on both sides
 */
export function spreadOf(golden: Row, dump: Row, count: number, least = LEAST_COLUMNS): Spread | undefined {
  const columns = sampledColumns(count, MOST_COLUMNS)
  const sample = (row: Row) => (columns.length === count ? row : Float64Array.from(columns, (id) => row[id]!))
  const [goldenMax, dumpMax] = [golden[topOf(golden, count)]!, dump[topOf(dump, count)]!]
  return sampledSpread(sample(golden), sample(dump), columns.length, goldenMax, dumpMax, least)
}

/**
 * The spread of a pair of which `count` columns are given, and the maxima over all columns.
 * @returns undefined if fewer than `least` are finite on both sides
 */
export function sampledSpread(
  golden: Row,
  dump: Row,
  count: number,
  goldenMax: number,
  dumpMax: number,
  least = LEAST_COLUMNS,
): Spread | undefined {
  const { values, count: length, goldenDeviation, dumpDeviation } = gapsOf(golden, dump, count, goldenMax, dumpMax)
  if (length < least) return undefined
  const deviation = robustDeviation(values, length)
  return { relative: goldenDeviation > 0 ? deviation / goldenDeviation : 0, goldenDeviation, dumpDeviation }
}

function gapsOf(golden: Row, dump: Row, count: number, goldenMax: number, dumpMax: number): Gaps {
  const [goldenFloor, dumpFloor] = [floorOf(goldenMax), floorOf(dumpMax)]
  const values = new Float64Array(count)
  // Deviations from the first logit: a common offset would cancel digits.
  let [length, g0, m0, g1, m1, gg, mm] = [0, 0, 0, 0, 0, 0, 0]
  for (let i = 0; i < count; i++) {
    const g = golden[i]!
    const m = dump[i]!
    if (!(g >= goldenFloor && m >= dumpFloor)) continue
    if (length === 0) [g0, m0] = [g, m]
    values[length++] = m - g
    g1 += g - g0
    gg += (g - g0) * (g - g0)
    m1 += m - m0
    mm += (m - m0) * (m - m0)
  }
  return {
    values,
    count: length,
    goldenDeviation: deviationOf(g1, gg, length),
    dumpDeviation: deviationOf(m1, mm, length),
  }
}

function floorOf(max: number): number {
  return Math.max(max - SUPPRESSED, -Number.MAX_VALUE)
}

/** The standard deviation of `count` numbers with these sums of them and of their squares. */
export function deviationOf(sum: number, squares: number, count: number): number {
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2))
}

/** What rounding alone does to the KL divergence of a row. */
export interface ExpectedDivergence {
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
 * @param noise ρs, the standard deviation of the errors that precede the last rounding
 * @param rounded r: 1 if the golden is of a finer dtype, else 2
 */
export function expectedDivergence(
  golden: Row,
  count: number,
  precision: Precision,
  noise: number,
  rounded: 1 | 2,
): ExpectedDivergence {
  const variances = variancesOf(precision, noise, rounded)
  const bits = floatBits(golden, count)
  const top = topOf(golden, count)
  const { others, first1, first2, square2, square3, square4 } = sumsWithout(top, golden, bits, variances, count)
  const pTop = 1 / (1 + others)
  const vTop = variances[(bits[top]! >>> 23) & 0xff]!
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

/** Sums over all ids but the top-1 of w, wv, w²v, w²v², w³v² and w⁴v², with w = exp(logit − maximum). */
function sumsWithout(top: number, golden: Row, bits: Uint32Array, variances: Float64Array, count: number) {
  const max = golden[top]!
  // One by one: V8 takes three times as long with numbers that an array was taken apart into.
  let others = 0
  let first1 = 0
  let first2 = 0
  let square2 = 0
  let square3 = 0
  let square4 = 0
  for (let i = 0; i < count; i++) {
    const below = max - golden[i]!
    if (i === top || !(below < MOST_EXPONENT)) continue
    const w = inverseExponential(below)
    const wv = w * variances[(bits[i]! >>> 23) & 0xff]!
    const w2v2 = wv * wv
    others += w
    first1 += wv
    first2 += w * wv
    square2 += w2v2
    square3 += w * w2v2
    square4 += w * w * w2v2
  }
  return { others, first1, first2, square2, square3, square4 }
}

function topOf(row: Row, count: number): number {
  let top = 0
  let max = row[0]!
  for (let i = 1; i < count; i++) {
    if (row[i]! > max) {
      max = row[i]!
      top = i
    }
  }
  return top
}

/** The bits of the first `count` logits in float32. */
function floatBits(row: Row, count: number): Uint32Array {
  const floats = row instanceof Float32Array ? row : new Float32Array(row)
  return new Uint32Array(floats.buffer, floats.byteOffset, count)
}

/** v of a logit by its exponent in float32, from 0 (subnormal) to 255. */
function variancesOf(precision: Precision, noise: number, rounded: 1 | 2): Float64Array {
  return Float64Array.from({ length: 256 }, (_, exponent) => {
    const ulp = Math.max(2 ** (exponent - 127 - FRACTION_BITS[precision]), leastUlp(precision))
    return (rounded * ulp * ulp) / 12 + noise * noise
  })
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

/** The near-tie rule measures the spread of this many of the golden's highest logits. */
const TOP = 100

/** The robust deviation of dump − golden over the golden's 100 highest logits that are finite on both sides. */
export function topSpread(golden: Row, dump: Row, count: number): number {
  const shared = new Float64Array(count)
  let length = 0
  const isShared = (i: number) => golden[i]! > Number.NEGATIVE_INFINITY && dump[i]! > Number.NEGATIVE_INFINITY
  for (let i = 0; i < count; i++) if (isShared(i)) shared[length++] = golden[i]!
  const kept = Math.min(TOP, length)
  if (kept === 0) return 0
  const least = select(shared, length, length - kept)
  const gaps = new Float64Array(kept)
  let taken = 0
  for (let i = 0; i < count; i++) if (golden[i]! > least && isShared(i)) gaps[taken++] = dump[i]! - golden[i]!
  // Of equal logits the lowest ids, as everywhere.
  for (let i = 0; taken < kept; i++) if (golden[i] === least && isShared(i)) gaps[taken++] = dump[i]! - golden[i]!
  return robustDeviation(gaps, kept)
}
