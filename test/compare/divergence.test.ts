import { expect, test } from 'vitest'
import { isNearTie, ulpAt } from '../../src/compare/divergence.js'
import type { TokenComparison } from '../../src/compare/types.js'

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

test('a flip is a near-tie up to two units in the last place of the precision', () => {
  const flip = (gap: number) => ({ golden: { top1Logit: 16, logitAtOtherTop1: 16 - gap } }) as TokenComparison
  expect(isNearTie(flip(0.25), 'bf16')).toBe(true)
  expect(isNearTie(flip(0.2501), 'bf16')).toBe(false)
  expect(isNearTie(flip(0.25), 'fp16')).toBe(false)
})
