import { expect, test } from 'vitest'
import type { CompareOptions } from '../../src/compare/options.js'
import { compareDumps, logitsOf } from '../../src/index.js'
import { noisyPair } from '../fixtures/noise.js'

/** 40 tokens of large logits: the tested side has a relative spread of 0.016, as bfloat16 makes it, and a factor. */
function compareLarge(factor: number, options: CompareOptions) {
  const pairs = Array.from({ length: 40 }, (_, seed) => noisyPair(seed, 0.016, 8, factor))
  const side = (name: 'golden' | 'dump') =>
    logitsOf(
      pairs.map((pair) => ({
        data: Float32Array.from(pair[name], (logit) => 4 * logit),
        dims: [1, 600],
        dtype: 'float32',
      })),
    )
  return compareDumps(side('dump'), side('golden'), { dtype: 'bf16', decoding: 'forced', ...options })
}

test('an honest run with tokens over the limit passes with a warning, and fails strict', () => {
  const { pass, warnings, tokens } = compareLarge(1, {})
  expect(pass).toBe(true)
  expect(warnings).toEqual([
    expect.stringMatching(/over a reference limit, .*; if that is right, set rounding: 'aware'$/),
  ])
  expect(tokens.some(({ metrics }) => metrics!.klDivergence > 0.005)).toBe(true)
  expect(compareLarge(1, { strict: true })).toMatchObject({ pass: false, warnings })
})

test("it passes strict with rounding: 'aware', and the note is still there", () => {
  const { pass, warnings, notes } = compareLarge(1, { strict: true, rounding: 'aware' })
  expect({ pass, warnings }).toEqual({ pass: true, warnings: [] })
  expect(notes).toContainEqual(expect.stringMatching(/over a reference limit, within the rounding of bf16/))
})

test("with a factor of 1.02 on all logits it fails strict, also with rounding: 'aware'", () => {
  const { pass, warnings, firstFailure } = compareLarge(1.02, { strict: true, rounding: 'aware' })
  expect(firstFailure).toBeUndefined()
  expect(pass).toBe(false)
  expect(warnings).toContainEqual(expect.stringMatching(/in the median of 40 tokens, .*: a factor on the logits/))
})

// KL and cosine do not see it: the golden is nearly sure of its top-1.
test.each([
  [1.1, false],
  [1, true],
])('a factor of %d on a row with one sure id, in fp16: passes: %s', (factor, passes) => {
  const { golden } = noisyPair(1, 0, 22)
  const side = (row: Iterable<number>) => logitsOf([{ data: Float32Array.from(row), dims: [1, 600], dtype: 'float32' }])
  const dump = golden.map((logit, id) => factor * logit + (id % 2 === 0 ? 0.004 : -0.004))
  const { pass, tokens } = compareDumps(side(dump), side(golden), { dtype: 'fp16', decoding: 'forced' })
  expect(tokens[0]!.metrics!.klDivergence).toBeLessThan(1e-4)
  expect(tokens[0]!.metrics!.cosineSimilarity).toBeGreaterThan(0.999)
  expect(pass).toBe(passes)
  expect(tokens[0]!.reason).toMatch(passes ? /^$/ : /^relative spread 0\.0\d+ is above 0\.011\d*: more noise than fp16/)
})
