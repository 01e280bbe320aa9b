import fc from 'fast-check'
import { expect, test } from 'vitest'
import { roundedAway } from '../../src/compare/rounded-away.js'

test('a printed number stays on its side of the limit, and close to itself', () => {
  const positive = fc.double({ min: 1e-12, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(positive, positive, fc.integer({ min: -3, max: 3 }), (limit, other, ulps) => {
      for (const value of [other, limit * (1 + ulps * 2 ** -52), limit * (1 + ulps * 1e-9)]) {
        const printed = Number(roundedAway(value, limit))
        expect(Math.sign(printed - limit)).toBe(Math.sign(value - limit))
        expect(Math.abs(printed - value)).toBeLessThanOrEqual(5.1e-6 * value)
      }
    }),
  )
})

test.each([
  [0.00499999999, 0.005, '0.00499999999'],
  [0.99900000001, 0.999, '0.99900000001'],
  [0.005, 0.005, '0.005'],
  [19.49951234, 0.005, '19.4995'],
  [Number.POSITIVE_INFINITY, 0.005, 'Infinity'],
  [Number.NaN, 0.005, 'NaN'],
])('%d against %d prints as %s', (value, limit, text) => {
  expect(roundedAway(value, limit)).toBe(text)
})
