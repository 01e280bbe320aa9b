import { sampledColumns } from '../tensor/sampled-row.js'
import type { Row } from '../tensor/widen.js'
import { robustDeviation, select } from './median.js'
import type { Precision } from './precision.js'

// How noisy a pair of rows is: see docs/verdicts.md.

/** With fewer columns the spread of a row is not measured well enough to judge it. */
export const LEAST_COLUMNS = 256

/** A logit this far below the row's maximum is suppressed like −Inf: its probability is 0 in float64. */
export const SUPPRESSED = 750

/** The precisions whose rounding is known: what `rounding: 'aware'` judges. */
export type RoundedPrecision = Exclude<Precision, 'fp32'>

/** Limits on the relative spread of a precision. A model's hidden state is rounded many times before its logits are. */
interface SpreadLimits {
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

/** How noisy a pair of rows is. */
interface Spread {
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

/** The finite logits of both rows, without suppressed ones: their gaps dump − golden, and their standard deviations. */
function gapsOf(golden: Row, dump: Row, count: number, goldenMax: number, dumpMax: number) {
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

/** The index of the highest of the first `count` logits, the lowest one if several are. */
export function topOf(row: Row, count: number): number {
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

function floorOf(max: number): number {
  return Math.max(max - SUPPRESSED, -Number.MAX_VALUE)
}

/** The standard deviation of `count` numbers with these sums of them and of their squares. */
function deviationOf(sum: number, squares: number, count: number): number {
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2))
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

/** Columns of a sample, at even distances. Its spread is within a fifth of the row's, the median over ten tokens within 6 %. */
const SAMPLE = 128

/** How noisy the dump is, by a sample of the columns: the same as kernel/sample.ts reads. */
export interface SampleFacts {
  /** How many columns of the sample are suppressed on neither side; the rest is about these. */
  readonly columns: number
  /** The robust deviation of dump − golden. */
  readonly spread: number
  readonly goldenDeviation: number
  readonly dumpDeviation: number
}

/** Reads the sample of a pair without NaN and +Inf, whose maxima are given. */
export function sampleFacts(golden: Row, dump: Row, count: number, goldenMax: number, dumpMax: number): SampleFacts {
  const sample = (row: Row) => Float64Array.from({ length: SAMPLE }, (_, i) => row[Math.floor((i * count) / SAMPLE)]!)
  const gaps = gapsOf(sample(golden), sample(dump), SAMPLE, goldenMax, dumpMax)
  const { values, count: columns, goldenDeviation, dumpDeviation } = gaps
  if (columns === 0) return { columns, spread: 0, goldenDeviation: 0, dumpDeviation: 0 }
  return { columns, spread: robustDeviation(values, columns), goldenDeviation, dumpDeviation }
}
