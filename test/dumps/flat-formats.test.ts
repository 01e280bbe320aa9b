import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { loadDump } from '../../src/dumps/load.js'
import { notesOf } from '../build/notes.js'
import { writeTree } from '../build/tree.js'
import { layoutConformance } from '../conformance/layout.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { ignoredOf, stepsOf } from './steps.js'

// No file of these trees contains a tensor, because loadDump reads none.

const empty = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '']))

/** The names of three steps, and the folder that holds them. */
const FLAT: readonly (readonly [string, (step: number) => string])[] = [
  ['numpy', (step) => `logits_${step}.npy`],
  ['torch', (step) => `step_${step}.pt`],
  ['zeros', (step) => `row_${`${step}`.padStart(6, '0')}.safetensors`],
  ['onnx', (step) => `logits_${step}.pb`],
  ['onnx-outputs', (step) => `step_${step}/output_0.pb`],
  ['numbers', (step) => `${step}.npz`],
  ['dashes', (step) => `my.model-logits-${step}.npy`],
  ['folders', (step) => `${step}/logits.npy`],
  ['named-folders', (step) => `step_${step}/logits.pt`],
  ['padded-folders', (step) => `token-${`${step}`.padStart(4, '0')}/scores.safetensors`],
]
const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]

for (const [folder, nameOf] of FLAT) {
  layoutConformance({
    layout: 'flat',
    files: empty(NUMBERS.map((step) => `run/${folder}/${nameOf(step)}`)),
    folder: `run/${folder}`,
    steps: Object.fromEntries(NUMBERS.map((step) => [step, [`run/${folder}/${nameOf(step)}`]])),
    whole: [`run/${folder}`, `run/${folder}/`, `r?n/${folder}`],
    parts: nameOf(0).includes('/') ? [] : [[`run/${folder}/${nameOf(10)}`, [10], 'file']],
  })
}

describe('which files are steps', () => {
  test('only those named logits, if some are', () => {
    const root = writeTree(empty(['logits_0.npy', 'logits_1.npy', 'ids_0.npy', 'hidden_states_0.npy']))
    const dump = loadDump(root)
    expect(stepsOf(dump, root)).toEqual({ 0: ['logits_0.npy'], 1: ['logits_1.npy'] })
    const reason = 'not named logits, as other files are'
    expect(ignoredOf(dump, root)).toEqual([`hidden_states_0.npy: ${reason}`, `ids_0.npy: ${reason}`])
    expect(stepsOf(loadDump(root, { run: 'hidden_states' }), root)).toEqual({ 0: ['hidden_states_0.npy'] })
  })

  test('never hidden ones, such as macOS puts beside a file', () => {
    const steps = ['logits_0.npy', 'logits_1.npy']
    const root = writeTree(
      empty([...steps, '._logits_0.npy', '._logits_1.npy', '.DS_Store', '__MACOSX/._logits_0.npy']),
    )
    expect(stepsOf(loadDump(root), root)).toEqual({ 0: ['logits_0.npy'], 1: ['logits_1.npy'] })
    const folders = writeTree(empty(['0/scores.npy', '0/._scores.npy', '1/scores.npy', '1/._scores.npy']))
    expect(stepsOf(loadDump(folders), folders)).toEqual({ 0: ['0/scores.npy'], 1: ['1/scores.npy'] })
  })

  test('a step that two files are is refused with their names', () => {
    const root = writeTree(empty(['logits_1.npy', 'logits_01.npy', 'logits_2.npy']))
    const [first, second] = [join(root, 'logits_01.npy'), join(root, 'logits_1.npy')]
    const text = `the golden has token 1 twice (${first} and ${second}); take one of the files away`
    expectRefusal(() => compareDumps(root, root), 'invalid-argument', text, root)
  })

  test('several series without that name are cases, of which one must be chosen', () => {
    const root = writeTree(empty(['a_0.npy', 'a_1.npy', 'b_0.npy']))
    const text = "holds the logits of 2 cases: a, b; choose one with the option run: 'a'"
    expectRefusal(() => loadDump(root), 'ambiguous-run', text, root)
    expect(stepsOf(loadDump(root, { run: 'b' }), root)).toEqual({ 0: ['b_0.npy'] })
  })

  test('equal names in two formats are two cases', () => {
    const root = writeTree(empty(['step_0.npy', 'step_0.pt', 'step_1.pt']))
    const text = "2 cases: step.npy, step.pt; choose one with the option run: 'step.npy'"
    expectRefusal(() => loadDump(root), 'ambiguous-run', text, root)
    expect(stepsOf(loadDump(root, { run: 'step.pt' }), root)).toEqual({ 0: ['step_0.pt'], 1: ['step_1.pt'] })
  })

  test.each(['prompt_0.npy', 'sample-00000.safetensors', 'logits_case_0.pt', 'chunk0.npz', 'example_0.npy'])(
    'the number of %s counts prompts, so that each file is a run',
    (name) => {
      const other = name.replace(/0\./, '1.')
      const root = writeTree(empty([name, other]))
      const [first] = name.split('.')
      const text = `holds the logits of 2 cases: ${first}, ${other.split('.')[0]}; choose one with the option run: '${first}'`
      expectRefusal(() => loadDump(root), 'ambiguous-run', text, root)
      const dump = loadDump(root, { run: other.split('.')[0]! })
      expect(dump.layout).toBe('file')
      expect(stepsOf(dump, root)).toEqual({ 0: [other] })
      expect(notesOf(dump)).toEqual([`case ${other.split('.')[0]} is compared (option run); 1 other case is ignored`])
    },
  )

  test('files of other formats, or without a number, are no steps', () => {
    const root = writeTree(empty(['logits_0.npy', 'logits_1.bin', 'logits_2.json', 'config.pt', 'output_3.pth.bak']))
    expect(stepsOf(loadDump(root), root)).toEqual({ 0: ['logits_0.npy'] })
  })

  test('the outputs of a module are no steps', () => {
    const root = writeTree(empty(['copy/output_0.pth', 'copy/output_1.pth']))
    expect(loadDump(join(root, 'copy'))).toMatchObject({ layout: 'file', steps: { length: 1 } })
  })

  test('a folder with one file named logits is that file', () => {
    for (const name of ['logits.npy', 'logits.pt', 'logits.safetensors', 'logits.npz', 'logits.pth']) {
      const root = writeTree(empty([name, 'readme.txt', 'ids.npy']))
      const dump = loadDump(root)
      expect(dump).toMatchObject({ layout: 'file', named: 'folder' })
      expect(stepsOf(dump, root)).toEqual({ 0: [name] })
    }
  })
})

describe('folders of steps', () => {
  test('a step without a file of logits is unreadable, the others are not', () => {
    const root = writeTree({ '0/logits.npy': '', '1/a.npy': '', '1/b.npy': '', '2/readme.txt': '', '3/logits.npy': '' })
    const steps = [...loadDump(root).steps]
    expect(steps.map(({ problem }) => problem?.replace(/;.*/, ''))).toEqual([
      undefined,
      'no file of logits in 1: found a.npy, b.npy',
      'no file of logits in 2: found readme.txt',
      undefined,
    ])
  })

  test('files beside the logits are listed as ignored', () => {
    const root = writeTree({ 'step_0/logits.npy': '', 'step_0/hidden.npy': '', 'step_1/logits.npy': '' })
    expect(ignoredOf(loadDump(root), root)).toEqual(['step_0/hidden.npy: beside the logits of the step'])
  })
})

describe('folders of prompts', () => {
  const files = empty([
    'sample_00000/logits.npy',
    'sample_00000/prompt_input_ids.npy',
    'sample_00000/generated_token_ids.npy',
    'sample_00001/logits.npy',
    'sample_00001/prompt_input_ids.npy',
    'prompts_0.txt',
  ])

  test('one must be chosen', () => {
    const root = writeTree(files)
    const text =
      "holds the logits of 2 prompts or samples: sample_00000, sample_00001; choose one with the option run: 'sample_00000'"
    expectRefusal(() => loadDump(root), 'ambiguous-run', text, root)
    const dump = loadDump(root, { run: 'sample_00001' })
    expect(dump.layout).toBe('file')
    expect(stepsOf(dump, root)).toEqual({ 0: ['sample_00001/logits.npy'] })
    expect(notesOf(dump)).toEqual(['case sample_00001 is compared (option run); 1 other case is ignored'])
    expect(stepsOf(loadDump(join(root, 'sample_00001')), root)).toEqual({ 0: ['sample_00001/logits.npy'] })
    const wrong = "the option run: 'sample_7' names none of them"
    expectRefusal(() => loadDump(root, { run: 'sample_7' }), 'invalid-argument', wrong, root)
  })

  test('a prompt may hold steps', () => {
    const root = writeTree(empty(['prompt_3/logits_0.pt', 'prompt_3/logits_1.pt', 'prompt_4/logits_0.pt']))
    const dump = loadDump(root, { run: 'prompt_3' })
    expect(stepsOf(dump, root)).toEqual({ 0: ['prompt_3/logits_0.pt'], 1: ['prompt_3/logits_1.pt'] })
  })
})
