import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import { notesOf } from '../build/notes.js'
import { writeTree } from '../build/tree.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { ignoredOf, stepsOf } from './steps.js'

const ONE = { 'logits_gsm8k_12_0.pth': '', 'logits_gsm8k_12_1.pth': '', 'logits_gsm8k_12_10.pth': '' }

test('one case: the last number is the step', () => {
  const root = writeTree({ ...ONE, 'readme.md': '' })
  const dump = loadDump(root)
  expect(dump).toMatchObject({ layout: 'flat', named: 'folder', notes: [], stepsAssumed: false })
  expect(stepsOf(dump, root)).toEqual({
    0: ['logits_gsm8k_12_0.pth'],
    1: ['logits_gsm8k_12_1.pth'],
    10: ['logits_gsm8k_12_10.pth'],
  })
  expect(ignoredOf(dump, root)).toEqual(['readme.md: not part of a dump'])
  expect(stepsOf(loadDump(root, { firstStep: 3 }), root)[13]).toEqual(['logits_gsm8k_12_10.pth'])
})

test('one file keeps its step', () => {
  const root = writeTree(ONE)
  const dump = loadDump(join(root, 'logits_gsm8k_12_10.pth'))
  expect(dump).toMatchObject({ layout: 'flat', named: 'file' })
  expect(stepsOf(dump, root)).toEqual({ 10: ['logits_gsm8k_12_10.pth'] })
})

test('several cases are refused and listed; a name or a pattern selects one', () => {
  const root = writeTree({ ...ONE, 'logits_humaneval_x_cpp_12_0.pth': '', 'logits_humaneval_x_cpp_3_0.pth': '' })
  expectRefusal(
    () => loadDump(root),
    'ambiguous-run',
    "holds the logits of 3 cases: logits_gsm8k_12, logits_humaneval_x_cpp_3, logits_humaneval_x_cpp_12; choose one with the option run: 'logits_gsm8k_12', or compare all with run: 'all'",
    root,
  )
  const steps = { 0: ['logits_humaneval_x_cpp_12_0.pth'] }
  const dump = loadDump(root, { run: 'logits_humaneval_x_cpp_12' })
  expect(stepsOf(dump, root)).toEqual(steps)
  expect(notesOf(dump)).toEqual(['case logits_humaneval_x_cpp_12 is compared (option run); 2 other cases are ignored'])
  expect(dump.ignored).toHaveLength(4)
  expect(stepsOf(loadDump(join(root, 'logits_*_cpp_12_*.pth')), root)).toEqual(steps)
  const text = "the option run: 'logits_cpp' names none of them"
  expectRefusal(() => loadDump(root, { run: 'logits_cpp' }), 'invalid-argument', text, root)
})

test('cases of one name in two folders are named by their folders', () => {
  const root = writeTree({ 'a/logits_gsm8k_1_0.pth': '', 'b/logits_gsm8k_1_0.pth': '', 'b/logits_gsm8k_2_0.pth': '' })
  const pattern = join(root, '[ab]')
  const text =
    "3 cases: a/logits_gsm8k_1.pth, b/logits_gsm8k_1.pth, logits_gsm8k_2; choose one with the option run: 'a/logits_gsm8k_1.pth'"
  expectRefusal(() => loadDump(pattern), 'ambiguous-run', text, pattern)
  const dump = loadDump(pattern, { run: 'b/logits_gsm8k_1.pth' })
  expect(stepsOf(dump, root)).toEqual({ 0: ['b/logits_gsm8k_1_0.pth'] })
  expect(stepsOf(loadDump(pattern, { run: 'logits_gsm8k_2' }), root)).toEqual({ 0: ['b/logits_gsm8k_2_0.pth'] })
  const both = () => loadDump(pattern, { run: 'logits_gsm8k_1' })
  expectRefusal(both, 'ambiguous-run', "choose one with the option run: 'a/logits_gsm8k_1.pth'", pattern)
  const all = loadDump(pattern, { run: 'all' })
  expect(all.runs!.map(({ name }) => name)).toEqual(['a/logits_gsm8k_1.pth', 'b/logits_gsm8k_1.pth', 'logits_gsm8k_2'])
})

test('files beside a run do not belong to it', () => {
  const root = writeTree({ ...ONE, 'msit_dump_x/tensors/0_1/0/9_LmHead/after/outtensor0.bin': '' })
  const dump = loadDump(root)
  expect(dump.layout).toBe('atb')
  expect(ignoredOf(dump, root)).toContain('logits_gsm8k_12_0.pth: outside the layout of the dump')
})

test('steps with leading zeros are in numeric order and keep their names', () => {
  const names = Array.from({ length: 120 }, (_, step) => `logits_gsm8k_0_${`${step}`.padStart(4, '0')}.pth`)
  const root = writeTree(Object.fromEntries([...names].reverse().map((name) => [name, ''])))
  expect(stepsOf(loadDump(root), root)).toEqual(Object.fromEntries(names.map((name, step) => [step, [name]])))
})

test('numbers of up to 15 digits are steps, longer ones are ignored', () => {
  const [largest, larger] = ['logits_gsm8k_0_999999999999999.pth', 'logits_gsm8k_0_0000000000000001.pth']
  const root = writeTree({ 'logits_gsm8k_0_7.pth': '', [largest]: '', [larger]: '' })
  const dump = loadDump(root)
  expect(stepsOf(dump, root)).toEqual({ 7: ['logits_gsm8k_0_7.pth'], 999999999999999: [largest] })
  expect(ignoredOf(dump, root)).toEqual([`${larger}: not part of a dump`])
})

test('a pattern that matches a folder and files in it yields each file once', () => {
  const root = writeTree({ 'flat/logits_gsm8k_0_1.pth': '', 'flat/logits_gsm8k_0_2.pth': '' })
  const dump = loadDump(join(root, 'flat{,/logits_gsm8k_0_*.pth}'))
  expect(stepsOf(dump, root)).toEqual({ 1: ['flat/logits_gsm8k_0_1.pth'], 2: ['flat/logits_gsm8k_0_2.pth'] })
})
