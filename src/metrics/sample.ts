import type { Row } from '../tensor/widen.js'
import { robustDeviation } from './median.js'
import { deviationOf, SUPPRESSED } from './noise.js'

/** Columns of a sample, at even distances. Its spread is within a fifth of the row's, the median over ten tokens within 6 %. */
export const SAMPLE = 128

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
  const gaps = new Float64Array(SAMPLE)
  let [n, g0, m0, g1, m1, gg, mm] = [0, 0, 0, 0, 0, 0, 0]
  for (let i = 0; i < SAMPLE; i++) {
    const column = Math.floor((i * count) / SAMPLE)
    const [g, m] = [golden[column]!, dump[column]!]
    if (!(g >= goldenMax - SUPPRESSED && m >= dumpMax - SUPPRESSED)) continue
    if (n === 0) [g0, m0] = [g, m]
    gaps[n++] = m - g
    g1 += g - g0
    gg += (g - g0) ** 2
    m1 += m - m0
    mm += (m - m0) ** 2
  }
  if (n === 0) return { columns: 0, spread: 0, goldenDeviation: 0, dumpDeviation: 0 }
  return {
    columns: n,
    spread: robustDeviation(gaps, n),
    goldenDeviation: deviationOf(g1, gg, n),
    dumpDeviation: deviationOf(m1, mm, n),
  }
}
