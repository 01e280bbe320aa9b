import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inverseExponential, MOST_EXPONENT } from '../../src/metrics/exponential.js'

/** Math.exp is right to the last place or the one before, a hundred thousand times finer than what is claimed. */
function relativeError(y: number): number {
  const exact = Math.exp(-y)
  return Math.abs(inverseExponential(y) - exact) / exact
}

function worstError(points: Iterable<number>): number {
  let worst = 0
  for (const y of points) {
    const error = relativeError(y)
    if (!(error <= worst)) worst = error
  }
  return worst
}

test('e⁻⁰ is exactly 1', () => {
  expect(inverseExponential(0)).toBe(1)
})

test('e⁻ʸ is right to 10⁻¹¹ over the range', () => {
  const points = Float64Array.from({ length: 200_000 }, (_, i) => (i * MOST_EXPONENT) / 200_000)
  expect(worstError(points)).toBeLessThan(1e-11)
})

test('e⁻ʸ is right on both sides of each point of its tables', () => {
  const points: number[] = []
  for (let k = 1; (k * Math.LN2) / 64 < MOST_EXPONENT - 1e-9; k++) {
    for (const by of [-1e-9, -1e-15, 0, 1e-15, 1e-9]) points.push((k * Math.LN2) / 64 + by)
  }
  expect(points.length).toBeGreaterThan(30_000)
  expect(worstError(points)).toBeLessThan(1e-11)
})

test.each([Number.MIN_VALUE, 1e-300, 1e-17, 68.999999999, MOST_EXPONENT * (1 - 2 ** -53)])(
  'e⁻ʸ is right for %d',
  (y) => {
    expect(relativeError(y)).toBeLessThan(1e-11)
  },
)

test('e⁻ʸ is right for any y', () => {
  const range = { min: 0, max: MOST_EXPONENT, maxExcluded: true, noNaN: true }
  fc.assert(
    fc.property(fc.double(range), (y) => {
      expect(relativeError(y)).toBeLessThan(1e-11)
    }),
  )
})
