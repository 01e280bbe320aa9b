import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import { ignoredOf, listedIgnored, listedSteps, stepsOf } from '../../src/dumps/step-list.js'
import type { Dump } from '../../src/dumps/types.js'
import { writeTree } from '../build/tree.js'

function load(): Dump {
  return loadDump(writeTree({ 'logits_gsm8k_0_0.pth': '', 'logits_gsm8k_0_1.pth': '', 'readme.md': '' }))
}

test('steps and ignored are arrays, in the order of the other properties, however a dump is looked at', () => {
  const dump = load()
  expect(Object.keys(dump)).toEqual(['path', 'layout', 'named', 'steps', 'notes', 'ignored', 'stepsAssumed', 'budgets'])
  expect([Array.isArray(load().steps), Array.isArray(load().ignored)]).toEqual([true, true])
  expect(JSON.parse(JSON.stringify(dump)).ignored).toEqual([
    { path: `${dump.path}/readme.md`, reason: 'not part of a dump' },
  ])
  expect({ ...load() }.steps.map(({ step }) => step)).toEqual([0, 1])
  expect(inspect(load())).toContain("reason: 'not part of a dump'")
})

test('until one of them is looked at, it is no array, and the other stays none', () => {
  const dump = load()
  expect([stepsOf(dump).length, ignoredOf(dump).length]).toEqual([2, 1])
  expect([listedSteps(dump), listedIgnored(dump)]).toEqual([expect.anything(), expect.anything()])
  expect(dump.ignored).toBe(dump.ignored)
  expect(listedIgnored(dump)).toBeUndefined()
  expect(ignoredOf(dump)).toBe(dump.ignored)
  expect(listedSteps(dump)).toBeDefined()
})
