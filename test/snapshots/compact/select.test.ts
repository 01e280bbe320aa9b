import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nthHighest, nthLowest } from '../../../src/snapshots/compact/select.js'

const number = fc.oneof(
  { weight: 6, arbitrary: fc.float({ min: -50, max: 50, noNaN: true }) },
  { weight: 2, arbitrary: fc.constantFrom(-1, 0, 1) },
  { weight: 1, arbitrary: fc.constantFrom(-1e4, -3.4028234663852886e38, 3.4028234663852886e38) },
)

test('any numbers: the n-th lowest one, and the sum of those before it', () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 60 }), fc.nat(), (numbers, at) => {
      const n = 1 + (at % numbers.length)
      const sorted = Float64Array.from(numbers).sort()
      const { value, before } = nthLowest(Float64Array.from(numbers), n)
      expect(value === sorted[n - 1]).toBe(true)
      const exact = sorted.subarray(0, n - 1).reduce((sum, x) => sum + x, 0)
      const size = sorted.reduce((sum, x) => sum + Math.abs(x), 0)
      expect(Math.abs(before - exact)).toBeLessThanOrEqual(1e-12 * size)
    }),
    { numRuns: 3000 },
  )
})

test('−Infinity is the lowest number', () => {
  const numbers = Float64Array.of(3, -Infinity, 1)
  expect(nthLowest(numbers, 1)).toEqual({ value: -Infinity, before: 0 })
  expect(nthLowest(numbers, 2)).toEqual({ value: 1, before: -Infinity })
})

test('the n-th highest of any numbers, and the lowest if there are fewer', () => {
  const number = fc.oneof(fc.float({ noNaN: true }), fc.integer({ min: -3, max: 3 }).map(Math.fround))
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 80 }), fc.integer({ min: 1, max: 90 }), (numbers, n) => {
      const sorted = Float32Array.from(numbers).sort().reverse()
      expect(nthHighest(Float32Array.from(numbers), n) === sorted[Math.min(n, numbers.length) - 1]).toBe(true)
    }),
    { numRuns: 3000 },
  )
})
