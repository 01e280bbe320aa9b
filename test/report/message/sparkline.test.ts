import { expect, test } from 'vitest'
import type { Comparison } from '../../../src/compare/types.js'
import { sparkline } from '../../../src/report/message/sparkline.js'

function marksOf(kls: readonly (number | undefined)[]): string {
  const tokens = kls.map((klDivergence, step) => ({
    step,
    ...(klDivergence !== undefined && { metrics: { klDivergence } }),
  }))
  return sparkline({ tokens, thresholds: { klDivergence: 0.01 } } as unknown as Comparison).marks
}

test('one mark a decade around the limit, and one for what was not measured', () => {
  expect(marksOf([0, 9e-5, 2e-4, 2e-3, 0.0099, 0.01, 0.05, 0.5, 5, 50, Infinity, NaN, undefined])).toBe('▁▁▂▃▃▅▅▆▇███·')
})

test('at most 60 marks, each the worst of its tokens', () => {
  const kls = Array.from({ length: 600 }, (_, i) => (i === 305 ? 50 : i >= 590 ? undefined : 0))
  expect(marksOf(kls)).toBe(`${'▁'.repeat(30)}█${'▁'.repeat(28)}·`)
  expect(marksOf(Array.from({ length: 61 }, () => 0))).toBe('▁'.repeat(31))
})
