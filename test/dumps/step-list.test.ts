import { expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import type { Dump } from '../../src/dumps/types.js'
import { writeTree } from '../build/tree.js'

function load(): Dump {
  return loadDump(writeTree({ 'logits_gsm8k_0_0.pth': '', 'logits_gsm8k_0_1.pth': '', 'readme.md': '' }))
}

test('steps and ignored are lists that make their items when they are asked for', () => {
  const dump = load()
  expect(Object.keys(dump)).toEqual([
    'path',
    'layout',
    'named',
    'steps',
    'notes',
    'ignored',
    'stepsAssumed',
    'promptStep',
    'budgets',
    'rows',
  ])
  expect([dump.steps.length, dump.ignored.length]).toEqual([2, 1])
  expect([...dump.steps].map(({ step }) => step)).toEqual([0, 1])
  expect([dump.steps.at(1)!.step, dump.steps.at(2), dump.steps.at(-1)]).toEqual([1, undefined, undefined])
  expect([...dump.ignored]).toEqual([{ path: `${dump.path}/readme.md`, reason: 'not part of a dump' }])
})

test('a spread of a dump has the same lists', () => {
  expect([...{ ...load() }.steps]).toHaveLength(2)
})
