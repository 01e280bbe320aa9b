import fc from 'fast-check'
import { expect, test } from 'vitest'
import { thresholdsOf } from '../../../src/compare/thresholds.js'
import { GATED } from '../../../src/metrics/table.js'
import { gatedText } from '../../../src/report/message/token-block.js'

const LIMITS = thresholdsOf('bf16', {})

test.each(GATED.map(({ key, better }) => [key, better] as const))(
  'gatedText: a printed %s lies on the side of its limit on which the value lies',
  (key, better) => {
    const passes = (value: number, limit: number) => (better === 'lower' ? value < limit : value > limit)
    const limit = fc.oneof(fc.constant(LIMITS[key]), fc.double({ min: 1e-9, max: 1, noNaN: true }))
    const offset = fc.oneof(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.double({ min: -1e-12, max: 1e-12, noNaN: true }),
    )
    fc.assert(
      fc.property(limit, offset, (limit, offset) => {
        const value = limit + offset
        const printed = Number(gatedText(key, value, { ...LIMITS, [key]: limit }))
        expect(passes(printed, limit)).toBe(passes(value, limit))
      }),
      { numRuns: 2000 },
    )
  },
)

test.each([
  ['klDivergence', 0.005 + 1e-12, '0.005000000001'],
  ['klDivergence', 0.005 - 1e-12, '0.004999999999'],
  ['klDivergence', 0.005, '0.005'],
  ['klDivergence', Number.POSITIVE_INFINITY, 'Infinity'],
  ['cosineSimilarity', 0.999, '0.999'],
  // 1 is printed only of equal rows.
  ['cosineSimilarity', 1 - 1e-9, '0.999999999'],
  ['cosineSimilarity', 1, '1'],
  ['cosineSimilarity', undefined, 'n/a'],
] as const)('gatedText of %s %d is %s', (key, value, text) => {
  expect(gatedText(key, value, LIMITS)).toBe(text)
})
