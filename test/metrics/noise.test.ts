import { describe, expect, test } from 'vitest'
import {
  estimatedDivergence,
  expectedDivergence,
  largestDivergence,
  normalQuantile,
} from '../../src/metrics/expected-divergence.js'
import { median, robustDeviation } from '../../src/metrics/median.js'
import { spreadOf, topSpread } from '../../src/metrics/noise.js'
import { ulpAt } from '../../src/metrics/precision.js'
import type { MeasuredRows } from '../../src/metrics/types.js'
import { TypescriptKernel } from '../../src/metrics/typescript-kernel.js'
import { WasmKernel } from '../../src/metrics/wasm/wasm-kernel.js'
import { compareFloats } from '../conformance/kernel.js'
import { noiseCases, noiseRows } from '../fixtures/noise.js'

type Row = Float32Array<ArrayBuffer>

const { rows, quantiles } = noiseCases()

/** Equal within 1e-9 relative. */
function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected), `${actual}, expected ${expected}`).toBeLessThanOrEqual(1e-9 * Math.abs(expected))
}

// Spacing of the formats: IEEE 754 binary16 and binary32, and bfloat16 with its 7 bits of fraction.
test.each([
  [16, 'bf16', 0.125],
  [31.9, 'bf16', 0.125],
  [32, 'bf16', 0.25],
  [-20, 'bf16', 0.125],
  [16, 'fp16', 2 ** -6],
  [1, 'fp32', 2 ** -23],
  [0, 'fp16', 2 ** -24],
] as const)('numbers near %d are %s %d apart', (logit, precision, spacing) => {
  expect(ulpAt(logit, precision)).toBe(spacing)
})

describe('against NumPy in float64', () => {
  test.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
    const { golden, dump } = noiseRows(row)
    const { expected, precision, rounded, cap } = row
    const spread = spreadOf(golden, dump, row.columns)!
    expectClose(spread.relative, expected.relative)
    expectClose(spread.goldenDeviation, expected.goldenDeviation)
    expectClose(spread.dumpDeviation, expected.dumpDeviation)
    expectClose(topSpread(golden, dump, row.columns), expected.topSpread)
    const noise = Math.min(spread.relative, cap) * spread.goldenDeviation
    const divergence = expectedDivergence([{ logits: golden, weight: 1 }], precision, noise, rounded)
    expectClose(divergence.mean, expected.mean)
    expectClose(divergence.freedom, expected.freedom)
    const logit = Math.max(...golden)
    const probability = 1 / golden.reduce((sum, g) => sum + Math.exp(g - logit), 0)
    const top = { logit, probability }
    expect(estimatedDivergence(top, precision, noise, rounded) / expected.mean).toBeGreaterThan(0.75)
    expect(estimatedDivergence(top, precision, noise, rounded) / expected.mean).toBeLessThan(1.5)
  })

  test('of the first columns only', () => {
    const { golden, dump } = noiseRows(rows[0]!)
    const short = spreadOf(golden.subarray(0, 300), dump.subarray(0, 300), 300)
    expect(spreadOf(golden, dump, 300)).toEqual(short)
    expect(topSpread(golden, dump, 300)).toBe(topSpread(golden.subarray(0, 300), dump.subarray(0, 300), 300))
  })
})

test.each(quantiles)(
  'L of $tokens tokens with $freedom degrees of freedom',
  ({ tokens, freedom, z, exact, wilson }) => {
    expectClose(normalQuantile(1e-3 / tokens), z)
    const limit = largestDivergence({ mean: 2, freedom }, tokens, 1e-3)
    expectClose(limit, 2 * wilson)
    // The approximation is never below the quantile by more than 1 %, and above it most for one degree of freedom.
    expect(limit / (2 * exact)).toBeGreaterThan(0.99)
    expect(limit / (2 * exact)).toBeLessThan(freedom === 1 ? 1.3 : 1.2)
  },
)

test('too few columns have no spread, and equal logits one of 0', () => {
  const flat = new Float32Array(256)
  expect(spreadOf(flat, flat, 255)).toBeUndefined()
  expect(spreadOf(flat, flat, 256)).toEqual({ relative: 0, goldenDeviation: 0, dumpDeviation: 0 })
})

test('logits that are suppressed by a low number count as little as -Inf', () => {
  const { golden, dump } = noiseRows(rows[0]!)
  const masked = (row: Float32Array, mask: number) => row.map((logit, i) => (i % 4 === 0 ? mask : logit))
  const infinite = spreadOf(masked(golden, Number.NEGATIVE_INFINITY), masked(dump, Number.NEGATIVE_INFINITY), 2000)
  expect(spreadOf(masked(golden, -1e9), masked(dump, -65504), 2000)).toEqual(infinite)
})

test('a fault in few columns does not move the spread, and neither does a common offset', () => {
  const { golden, dump } = noiseRows(rows[0]!)
  const before = spreadOf(golden, dump, 2000)!.relative
  const damaged = dump.with(7, 300).with(8, -300)
  expect(spreadOf(golden, damaged, 2000)!.relative / before).toBeCloseTo(1, 2)
  const moved = dump.map((logit) => logit + 64)
  expect(spreadOf(golden, moved, 2000)!.relative / before).toBeCloseTo(1, 3)
})

test.each([
  [[3], 3],
  [[4, 1], 2.5],
  [[5, 1, 3], 3],
  [[2, 2, 2, 9], 2],
  [[7, 1, 5, 3], 4],
])('the median of %j is %d', (values, expected) => {
  expect(median(Float64Array.from(values), values.length)).toBe(expected)
  expect(median(Float64Array.from([...values, 99]), values.length)).toBe(expected)
})

test('the robust deviation is 1.4826 times the median distance from the median', () => {
  expect(robustDeviation(Float64Array.of(1, 2, 3, 4, 100), 5)).toBeCloseTo(1.4826, 12)
})

describe.each([
  ['the TypeScript kernel', () => new TypescriptKernel()],
  ['the WebAssembly kernel', () => new WasmKernel()],
] as const)('%s', (_, create) => {
  const kernel = create()

  test.each(rows.map((row) => [row.name, row] as const))('measures the scale of %s', (_, row) => {
    const { golden, dump } = noiseRows(row)
    const measured = compareFloats(kernel, golden, dump) as MeasuredRows
    const { expected, columns, suppressed } = row
    // The scale is that of all columns.
    const digits = columns > 4096 ? 1 : 9
    const scale = measured.scale!
    const weights = golden.reduce((sum, g) => sum + Math.exp(g - measured.golden.max), 0)
    expectClose(scale.topProbability, 1 / weights)
    if (suppressed === undefined) {
      expect(scale.golden / expected.goldenDeviation).toBeCloseTo(1, digits)
      expect(scale.dump / expected.dumpDeviation).toBeCloseTo(1, digits)
      // No robust deviation is larger than 1.4826 standard deviations.
      expect(1.4826 * scale.gap).toBeGreaterThanOrEqual(expected.relative * expected.goldenDeviation)
    } else expect([scale.golden, scale.dump, scale.gap]).toEqual([Number.NaN, Number.NaN, Number.NaN])
    // The sample is every (columns / 128)th column.
    const sampled = Uint32Array.from({ length: 128 }, (_, i) => Math.floor((i * columns) / 128))
    const [g, d] = [golden, dump].map((side) => Float32Array.from(sampled, (id) => side[id]!)) as [Row, Row]
    const spread = spreadOf(g, d, 128, 1)!
    expectClose(scale.sample.spread, spread.relative * spread.goldenDeviation)
    expectClose(scale.sample.goldenDeviation, spread.goldenDeviation)
    expectClose(scale.sample.dumpDeviation, spread.dumpDeviation)
    expect(scale.sample.columns).toBe(g.filter(Number.isFinite).length)
    if (expected.relative === 0) return expect(scale.sample.spread).toBe(0)
    const inRow = (scale.sample.spread / expected.goldenDeviation - expected.relative) / expected.relative
    expect(Math.abs(inRow)).toBeLessThan(0.3)
  })
})
