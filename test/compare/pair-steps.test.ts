import fc from 'fast-check'
import { expect, test } from 'vitest'
import { align } from '../../src/compare/align.js'
import { checkOptions } from '../../src/compare/options.js'
import type { Dump, DumpStep } from '../../src/dumps/types.js'
import { compareDumps } from '../../src/index.js'
import { listOf } from '../../src/lib/lazy-list.js'

const facts = {
  path: 'x',
  layout: 'torch',
  named: 'folder',
  notes: [],
  ignored: [],
  stepsAssumed: false,
  budgets: {},
} as const
const stepOf =
  (side: string) =>
  (step: number): DumpStep => ({ step, files: [`${side}${step}`], layer: 'lm_head' })

/** As `loadDump` makes it, and as a caller may write it. */
function bothForms(side: string, numbers: readonly number[]): [Dump, Dump] {
  const ascending = numbers.toSorted((a, b) => a - b)
  const steps = listOf(ascending.length, (i) => stepOf(side)(ascending[i]!))
  return [
    { ...facts, steps },
    { ...facts, steps: numbers.map(stepOf(side)) },
  ]
}

const numbers = fc.oneof(
  fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 25 }),
  fc.integer({ min: 1, max: 25 }).map((count) => Array.from({ length: count }, (_, i) => i)),
)

test('every requested step of either side is a pair, for lists and for unordered arrays of steps', () => {
  fc.assert(
    fc.property(numbers, numbers, fc.nat(12), fc.integer({ min: 12, max: 31 }), (left, right, from, to) => {
      const expected = Array.from({ length: 31 }, (_, step) => step)
        .filter((step) => step >= from && step <= to && (left.includes(step) || right.includes(step)))
        .map((step) => ({
          step,
          ...(left.includes(step) && { golden: stepOf('g')(step) }),
          ...(right.includes(step) && { dump: stepOf('d')(step) }),
        }))
      fc.pre(expected.length > 0)
      for (const golden of bothForms('g', left)) {
        for (const dump of bothForms('d', right)) {
          const { pairs } = align(dump, golden, checkOptions({ steps: { from, to } }))
          expect([...pairs]).toEqual(expected)
          expect(expected.map((_, i) => pairs.at(i))).toEqual(expected)
          const whole = expected.flatMap((pair, i) => ('golden' in pair && 'dump' in pair ? [i] : []))
          expect([...pairs.whole]).toEqual(whole)
          expect([pairs.at(-1), pairs.at(expected.length)]).toEqual([undefined, undefined])
        }
      }
    }),
  )
})

test('an array of steps that changes after a comparison does not change the comparison', () => {
  const [, golden] = bothForms('g', [0, 1, 2])
  const [, dump] = bothForms('d', [0, 1, 2])
  const comparison = compareDumps(dump, golden)
  ;(dump.steps as unknown as DumpStep[]).splice(0, 2)
  expect(comparison.tokens.map((token) => [token.step, token.dump!.files])).toEqual([
    [0, ['d0']],
    [1, ['d1']],
    [2, ['d2']],
  ])
})

test('a comparison of lists names the steps that there are', () => {
  const [golden] = bothForms('g', [0, 1, 3])
  const [dump] = bothForms('d', [0, 2, 3])
  expect(compareDumps(dump, golden, { steps: [0, 1] }).counts.total).toBe(2)
  expect(compareDumps(dump, golden).tokens).toHaveLength(4)
  expect(() => compareDumps(dump, golden, { steps: [5] })).toThrow(
    'neither side has token 5; the two sides have tokens 0 to 3',
  )
})
