import { describe, expect, test } from 'vitest'
import { align } from '../../src/compare/align.js'
import { conclude } from '../../src/compare/conclude.js'
import { checkOptions } from '../../src/compare/options.js'
import type { Dump } from '../../src/dumps/types.js'
import { listOf } from '../../src/lib/lazy-list.js'
import { type Note, warning } from '../../src/lib/note.js'
import { Results } from '../../src/measure/results.js'

function dumpOf(steps: readonly number[], more: Partial<Dump> = {}): Dump {
  return {
    path: 'dumps/x',
    layout: 'torch',
    named: 'folder',
    steps: steps.map((step) => ({ step, files: [`${step}`], layer: 'lm_head' })),
    notes: [],
    ignored: [],
    stepsAssumed: false,
    budgets: {},
    ...more,
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, step) => step)

test('steps of both sides are pairs, the others stay by themselves', () => {
  const { pairs, notes } = align(dumpOf([1, 2, 4]), dumpOf([0, 1, 4]), checkOptions())
  expect(Array.from(pairs, ({ step, golden, dump }) => [step, golden?.step, dump?.step])).toEqual([
    [0, 0, undefined],
    [1, 1, 1],
    [2, undefined, 2],
    [4, 4, 4],
  ])
  expect(notes).toEqual([
    warning('neither side has token 3', 'list the tokens to compare in the option steps'),
    warning('tokens 1 and 4: golden and dump are the same file', "set identical: 'allow'"),
  ])
})

describe('the way out of a shift is named', () => {
  const shift = (first: number) =>
    warning(
      `the steps do not line up, and the steps of the dump are assumed (its first is taken for token ${first})`,
      `set loadDump's option firstStep: ${first}; if it is wrong, the right number`,
    )

  test.each<[string, number[], number[], Note[]]>([
    ['the dump begins later', [1, 2, 3], [0, 1, 2], [shift(1)]],
    ['the dump ends earlier', [0, 1], [0, 1, 2], [shift(0)]],
    ['not for a hole between steps that line up', [0, 2], [0, 1, 2], []],
    ['not where all line up', [0, 1], [0, 1], []],
  ])('%s', (_, dump, golden, notes) => {
    const assumed = dumpOf(dump, { stepsAssumed: true })
    const files = dumpOf(golden)
    const others = { ...files, steps: [...files.steps].map((step) => ({ ...step, files: ['golden'] })) }
    expect(align(assumed, others, checkOptions()).notes).toEqual(notes)
    expect(align({ ...assumed, stepsAssumed: false }, others, checkOptions()).notes).toEqual([])
  })
})

test('200,000 steps a side', () => {
  const steps = upTo(200_000)
  const { pairs, notes } = align(dumpOf(steps), dumpOf(steps.map((step) => step + 1)), checkOptions())
  expect(pairs).toHaveLength(200_001)
  const same = 'tokens 1 to 199999: golden and dump are the same file'
  expect(notes).toEqual([warning(same, "set identical: 'allow'")])
  const listed = align(dumpOf(steps), dumpOf(steps), checkOptions({ steps }))
  expect(listed.pairs).toHaveLength(200_000)
  const { counts, firstFailure } = conclude(
    dumpOf(steps),
    dumpOf(steps),
    new Results(listOf(200_000, (step) => ({ step, golden: { step, files: ['golden'], layer: '' } }))),
    [],
    checkOptions(),
    new Map(),
  )
  expect(counts).toMatchObject({ total: 200_000, missing: 200_000 })
  expect(firstFailure!.step).toBe(0)
})
