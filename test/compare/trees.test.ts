import { describe, expect, test } from 'vitest'
import { compareDumps, type TokenComparison, type TokenSide } from '../../src/index.js'
import { type ExpectedPair, expectedOf, TREES, tree, within } from '../fixtures/trees.js'

const METRICS = {
  cosineSimilarity: 'cosine_similarity',
  klDivergence: 'kl_divergence',
  maxRelativeError: 'max_relative_error',
  meanRelativeError: 'mean_relative_error',
  maxAbsoluteError: 'max_absolute_error',
  meanAbsoluteError: 'mean_absolute_error',
  relativeEuclideanDistance: 'relative_euclidean_distance',
} as const

/** |a − b| ≤ 1e-9·|b|, or the absolute allowance of the KL divergence. */
function expectClose(found: number | undefined, expected: number, absolute = 0): void {
  expect(Math.abs(found! - expected)).toBeLessThanOrEqual(Math.max(1e-9 * Math.abs(expected), absolute))
}

function expectSide(side: TokenSide | undefined, stats: ExpectedPair['golden_stats']): void {
  expect(side).toMatchObject({
    dtype: stats.dtype,
    shape: stats.shape,
    max: stats.max,
    min: stats.min,
    top1: stats.argmax,
  })
  expectClose(side!.mean, stats.mean_f64)
}

describe.each(TREES)('%s', (name) => {
  const expected = expectedOf(name)
  const comparison = compareDumps(tree(name, 'my'), tree(name, 'golden'), { dtype: 'fp16' })

  test('every token is aligned to its files', () => {
    const found = comparison.tokens.map(({ step, golden, dump }) => ({
      token: step,
      golden: within(name, golden!.files),
      my: within(name, dump!.files),
    }))
    expect(found).toEqual(expected.pairs.map(({ token, golden, my }) => ({ token, golden, my })))
    expect(expected.unpaired).toEqual([])
    expect(comparison.counts).toMatchObject({
      total: expected.pairs.length,
      missing: 0,
      extra: 0,
      unreadable: 0,
      failed: 0,
    })
  })

  test('every metric and statistic equals its float64 value', () => {
    comparison.tokens.forEach((token: TokenComparison, i) => {
      const pair = expected.pairs[i]!
      expect(pair.status).toBe('ok')
      for (const [ours, theirs] of Object.entries(METRICS)) {
        const absolute = ours === 'klDivergence' ? 1e-12 : 0
        expectClose(token.metrics![ours as keyof typeof METRICS], pair.float64[theirs]!, absolute)
      }
      expectSide(token.golden, pair.golden_stats)
      expectSide(token.dump, pair.my_stats)
    })
  })
})

test('only the degraded token fails, and nothing hides it', () => {
  const comparison = compareDumps(tree('b_token3_degraded', 'my'), tree('b_token3_degraded', 'golden'), {
    dtype: 'bf16',
  })
  expect(comparison.pass).toBe(false)
  expect(comparison.tokens.filter((token) => !token.pass).map((token) => token.step)).toEqual([3])
  expect(comparison.firstFailure?.reason).toMatch(
    /^KL divergence 19\.49\d+ is not below 0\.005; cosine similarity 0\.975\d+ is not above 0\.999$/,
  )
})

test('without dtype the coarser of the two dumps decides, and a note says so', () => {
  const comparison = compareDumps(tree('a_clean_f32_vs_f16', 'my'), tree('a_clean_f32_vs_f16', 'golden'))
  expect(comparison.thresholds).toEqual({ precision: 'fp16', klDivergence: 0.0001, cosineSimilarity: 0.999 })
  expect(comparison.notes).toContain('dtype fp16 taken from the dumps')
})

test('the last prompt position is compared, and the note says for which token', () => {
  const comparison = compareDumps(tree('f_all_prompt_positions', 'my'), tree('f_all_prompt_positions', 'golden'))
  expect(comparison.tokens[0]!.golden).toMatchObject({ shape: [1, 640], fileShape: [1, 5, 640] })
  expect(comparison.notes).toContain('token 0: golden: only the last of several positions compared')
})

test('a warm-up is ignored and listed', () => {
  const comparison = compareDumps(tree('d_warmup_prefill_only', 'my'), tree('d_warmup_prefill_only', 'golden'))
  expect(comparison.notes).toContainEqual(expect.stringContaining('dump: execution 0 taken for a warm-up'))
  expect(comparison.notes).toContain('dump: 1 path ignored: warm-up: an execution before the run starts')
})
