import { describe, expect, test } from 'vitest'
import { roundedUp } from '../../../src/compare/calibration/propose.js'
import {
  largestMean,
  largestMedian,
  spreadOf,
  tokenLimit,
  worstWindow,
} from '../../../src/compare/calibration/spread.js'
import { normals } from '../../build/noisy.js'

/** Quantiles of a distribution at even shares. */
function quantiles(count: number, inverse: (share: number) => number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => inverse((i + 0.5) / count))
}

describe('the tail', () => {
  test('of exponential numbers is their quantile, with two standard errors of the mean excess', () => {
    const n = 10_000
    const { tail, tailTokens, p90, p99 } = spreadOf(quantiles(n, (share) => -Math.log(1 - share)))
    expect(tailTokens).toBe(1000)
    expect([p90, p99]).toEqual([2.3, 4.6])
    // −ln 0.1 + (1 + 2/√1000)·ln(0.1/10⁻⁶): the exact quantile −ln 10⁻⁶ is 13.8.
    const exact = Math.log(10) + (1 + 2 / Math.sqrt(1000)) * Math.log(1e5)
    expect(tail / exact).toBeCloseTo(1, 2)
  })

  test('of normal and χ² numbers is near the exact quantile', () => {
    const sorted = Float64Array.from(normals(1, 5000)).sort()
    const squares = sorted.map((z) => z * z).sort()
    // scipy.stats.norm.ppf(1 - 1e-6) and chi2.ppf(1 - 1e-6, 1)
    const ratios = [spreadOf(sorted.map(Math.abs).sort()).tail / 4.8916, spreadOf(squares).tail / 23.928]
    for (const ratio of ratios) {
      expect(ratio).toBeGreaterThan(0.9)
      expect(ratio).toBeLessThan(1.5)
    }
  })

  test('of a heavy tail is not believed: the limit is twice the highest value, or four times that of a square', () => {
    const facts = spreadOf(Float64Array.from({ length: 1000 }, (_, i) => (i < 999 ? i / 1000 : 1000)))
    expect(facts.tail).toBeLessThan(2000)
    expect(tokenLimit(facts, false)).toEqual({ value: 2000, times: 2 })
    expect(tokenLimit(facts, true)).toEqual({ value: 4000, times: 4 })
    expect(tokenLimit({ ...facts, max: 1 }, false)).toEqual({ value: facts.tail, times: undefined })
  })
})

describe('limits on a run of 32 tokens', () => {
  test('on a median: the quantile four standard errors above a half', () => {
    const sorted = quantiles(1000, (share) => share)
    expect(largestMedian(sorted)).toBeCloseTo(0.5 + 2 * Math.sqrt(1 / 32 + 1 / 1000), 3)
    // 100 tokens: the share stays below 1.
    expect(largestMedian(quantiles(100, (share) => share))).toBeCloseTo(0.5 + 2 * Math.sqrt(1 / 32 + 1 / 100), 2)
  })

  test('on a median: no run of 32 honest tokens in 4,000 is over it', () => {
    const limit = largestMedian(Float64Array.from(normals(2, 2000)).sort())
    const fresh = normals(3, 32 * 4000)
    let over = 0
    for (let run = 0; run < 4000; run++) {
      const window = fresh.slice(32 * run, 32 * run + 32).sort((a, b) => a - b)
      if ((window[15]! + window[16]!) / 2 > limit) over++
    }
    expect(over).toBe(0)
  })

  test('on a mean: four standard errors above the mean', () => {
    // Mean 0.5 and standard deviation √(1/12) of uniform numbers.
    const limit = largestMean(quantiles(5000, (share) => share))
    expect(limit).toBeCloseTo(0.5 + 4 * Math.sqrt(1 / 12) * Math.sqrt(1 / 32 + 1 / 5000), 3)
  })

  test('the worst window is one of a single run', () => {
    const mean = (window: Float64Array) => window.reduce((a, b) => a + b) / window.length
    const low = new Float64Array(40).fill(1)
    const high = Float64Array.from({ length: 40 }, (_, i) => (i < 32 ? 2 : 9))
    expect(worstWindow([low, high], mean)).toBe((24 * 2 + 8 * 9) / 32)
    expect(worstWindow([new Float64Array(31).fill(5)], mean)).toBeUndefined()
  })
})

test.each([
  [0.0423, 0.043],
  [0.04, 0.04],
  [1.31, 1.4],
  [9.91, 10],
  [1, 1],
  [123, 130],
  [6.1e-7, 6.1e-7],
  [6.1000001e-7, 6.2e-7],
])('%d is rounded up to %d', (value, rounded) => {
  expect(roundedUp(value)).toBe(rounded)
})
