import { expect, test } from 'vitest'
import { runStatistics } from '../../src/compare/statistics.js'
import type { TokenComparison } from '../../src/compare/types.js'

function token(step: number, kl: number, cosine: number, top1 = [1, 1]): TokenComparison {
  const side = (id: number) => ({ files: [], layer: '', top1: id })
  return {
    step,
    verdict: 'pass',
    pass: true,
    reason: '',
    metrics: {
      klDivergence: kl,
      cosineSimilarity: cosine,
      maxRelativeError: 0,
      meanRelativeError: 0,
      maxAbsoluteError: 0,
      meanAbsoluteError: 0,
      relativeEuclideanDistance: 0,
    },
    golden: side(top1[0]!),
    dump: side(top1[1]!),
  }
}

// numpy 2: k = [0.1, 0.4, 0.2, 0.8, 0.3]; k.mean(), k.std(ddof=1)/5**.5, np.percentile(k, [99.9, 99, 95, 90, 50, 10, 5, 1, 0.1])
test('the whole run in a few numbers, as NumPy computes them', () => {
  const tokens = [0.1, 0.4, 0.2, 0.8, 0.3].map((kl, step) => token(step, kl, 1 - kl / 10, step === 3 ? [1, 2] : [1, 1]))
  const statistics = runStatistics(tokens)!
  expect(statistics.meanKl).toBeCloseTo(0.36, 12)
  expect(statistics.meanKlError).toBeCloseTo(0.1208304597359457, 12)
  expect(statistics.maxKl).toEqual({ value: 0.8, step: 3 })
  expect(statistics.minCosine).toEqual({ value: 0.92, step: 3 })
  const expected = [0.7984, 0.784, 0.72, 0.64, 0.3, 0.14, 0.12, 0.104, 0.1004]
  expect(statistics.klPercentiles.map(({ percent }) => percent)).toEqual([99.9, 99, 95, 90, 50, 10, 5, 1, 0.1])
  for (const [i, { value }] of statistics.klPercentiles.entries()) expect(value).toBeCloseTo(expected[i]!, 12)
  // Four of five agree; sqrt(0.8 * 0.2 / 4).
  expect(statistics.top1Agreement.value).toBe(0.8)
  expect(statistics.top1Agreement.error).toBeCloseTo(0.2, 12)
})

test('a single token has no standard error, and no token has no statistics', () => {
  expect(runStatistics([token(0, 0.1, 1)])).not.toHaveProperty('meanKlError')
  expect(runStatistics([{ step: 0, verdict: 'missing', pass: false, reason: '' }])).toBeUndefined()
})

test('an infinite KL divergence is the highest, and makes the mean infinite', () => {
  const statistics = runStatistics([token(0, 1, 1), token(1, Number.POSITIVE_INFINITY, 0)])!
  expect(statistics.maxKl).toEqual({ value: Number.POSITIVE_INFINITY, step: 1 })
  expect(statistics.meanKl).toBe(Number.POSITIVE_INFINITY)
})
