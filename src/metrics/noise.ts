import type { Row } from '../tensor/widen.js'
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

/** The spread is measured over at most this many columns, at even distances: it is then within 2 % of that of all. */
const MOST_COLUMNS = 16_384

/**
 * The spread of a pair over its first `count` columns, at most `MOST_COLUMNS` of them.
 * @returns undefined if fewer than `least` are finite on both sides
 */
export function spreadOf(golden: Row, dump: Row, count: number, least = LEAST_COLUMNS): Spread | undefined {
  const { values, count: length, goldenDeviation, dumpDeviation } = gapsOf(golden, dump, count)
  if (length < least) return undefined
  const deviation = robustDeviation(values, length)
  return { relative: goldenDeviation > 0 ? deviation / goldenDeviation : 0, goldenDeviation, dumpDeviation }
}

function gapsOf(golden: Row, dump: Row, count: number): Gaps {
  const [goldenFloor, dumpFloor] = [floorOf(golden, count), floorOf(dump, count)]
  const columns = Math.min(count, MOST_COLUMNS)
  const values = new Float64Array(columns)
  // Deviations from the first logit: a common offset would cancel digits.
  let [length, g0, m0, g1, m1, gg, mm] = [0, 0, 0, 0, 0, 0, 0]
  for (let i = 0; i < columns; i++) {
    const column = columns === count ? i : Math.floor((i * count) / columns)
    const g = golden[column]!
    const m = dump[column]!
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

function floorOf(row: Row, count: number): number {
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < count; i++) if (row[i]! > max) max = row[i]!
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
  const { weights, top, mass, others } = weightsOf(golden, count)
  const variances = variancesOf(precision, noise, rounded)
  const bits = new Uint32Array(
    golden instanceof Float32Array ? golden.slice(0, count).buffer : new Float32Array(golden).buffer,
  )
  const varianceAt = (i: number) => variances[(bits[i]! >>> 23) & 0xff]!
  // Apart from the others: 1 − p of a row with one probable id would lose its digits.
  const pTop = 1 / mass
  const vTop = varianceAt(top)
  const restTop = others / mass
  let first = pTop * restTop * vTop
  let squares = (pTop * restTop * vTop) ** 2
  let [cross, fourth] = [0, 0]
  for (let i = 0; i < count; i++) {
    const p = weights[i]! / mass
    // Less has no visible share.
    if (i === top || p < 1e-30) continue
    const v = varianceAt(i)
    const own = p * (1 - p) * v
    first += own
    squares += own * own
    cross += p * p * v
    fourth += (p * p * v) ** 2
  }
  // Σ p²v² − 2 Σ p³v² + (Σ p²v)², without its cancellation.
  const quadratic = squares + 2 * pTop * pTop * vTop * cross + Math.max(0, cross * cross - fourth)
  return { mean: first / 2, freedom: quadratic > 0 ? (first * first) / quadratic : 1 }
}

/** exp(logit − maximum) of every id, their sum, the top-1 and the sum without it. */
function weightsOf(row: Row, count: number): { weights: Float64Array; top: number; mass: number; others: number } {
  let top = 0
  for (let i = 1; i < count; i++) if (row[i]! > row[top]!) top = i
  const max = row[top]!
  const weights = new Float64Array(count)
  let others = 0
  for (let i = 0; i < count; i++) {
    weights[i] = Math.exp(row[i]! - max)
    if (i !== top) others += weights[i]!
  }
  return { weights, top, mass: 1 + others, others }
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

/** How often a comparison has a token over its L by the law. It is small because real tails are heavier: with 10⁻³, 1 in 200 has one. */
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
