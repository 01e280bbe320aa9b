import { expect, test } from 'vitest'
import { topLogits } from '../../src/metrics/top-logits.js'

test('the highest logits with their probabilities', () => {
  // exp(0), exp(-1), exp(-2) over their sum 1.5032147244080551.
  const top = topLogits(Float32Array.of(-1, 0, -2), 2)
  expect(top.map(({ id }) => id)).toEqual([1, 0])
  expect(top[0]!.probability).toBeCloseTo(0.6652409557748219, 12)
  expect(top[1]!.probability).toBeCloseTo(0.24472847105479767, 12)
})

test('of equal logits the lower id comes first', () => {
  expect(topLogits(Float32Array.of(3, 5, 3, 5, 3), 3).map(({ id }) => id)).toEqual([1, 3, 0])
})

test('suppressed ids are left out, and there may be fewer than were asked for', () => {
  const top = topLogits(Float32Array.of(-Infinity, 2, -Infinity), 5)
  expect(top).toEqual([{ id: 1, logit: 2, probability: 1 }])
  expect(topLogits(Float32Array.of(-Infinity, -Infinity), 5)).toEqual([])
})

test('a row with NaN or +Inf has none', () => {
  expect(topLogits(Float32Array.of(1, Number.NaN), 1)).toEqual([])
  expect(topLogits(Float32Array.of(1, Number.POSITIVE_INFINITY), 1)).toEqual([])
})
