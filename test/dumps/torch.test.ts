import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { STATISTICS_ADVICE } from '../../src/dumps/layouts/layout.js'
import { loadDump } from '../../src/dumps/load.js'
import { notesOf } from '../build/notes.js'
import { type Files, writeTree } from '../build/tree.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { ignoredOf, stepsOf } from './steps.js'

const DEVICE = 'torch_tensors/cuda0_1'

function torchTree(files: Files): string {
  return writeTree(Object.fromEntries(Object.entries(files).map(([path, content]) => [`${DEVICE}/${path}`, content])))
}

test('steps are in numeric order and keep their gaps', () => {
  const root = torchTree({ '10/lm_head/output.pth': '', '9/lm_head/output.pth': '', '2/lm_head/output.pth': '' })
  expect([...loadDump(root).steps].map(({ step }) => step)).toEqual([2, 9, 10])
})

test('firstStep is the step of the first folder', () => {
  const root = torchTree({ '4/lm_head/output.pth': '', '6/lm_head/output.pth': '' })
  const dump = loadDump(root, { firstStep: 0 })
  expect(stepsOf(dump, root)).toEqual({
    0: [`${DEVICE}/4/lm_head/output.pth`],
    2: [`${DEVICE}/6/lm_head/output.pth`],
  })
  expect(notesOf(dump)).toEqual(['firstStep 0: folder 4 is step 0'])
})

describe('the outputs of a module', () => {
  test.each([
    [['output.pth', 'input_0.pth'], 'output.pth', []],
    [['output_0.pth', 'output_1.pth', 'output_10.pth', 'output_2.pth'], 'output_0.pth', [1, 2, 10]],
    [['output_1.pth', 'output_0_1.pth', 'output_0_0.pth'], 'output_0_0.pth', ['0_1', 1]],
    [['output_0.pth', 'output_0_1.pth'], 'output_0.pth', ['0_1']],
    [['output_1.pth'], 'output_1.pth', []],
  ])('of %j the first is read, the others are listed', (files, first, others) => {
    const root = torchTree(Object.fromEntries(files.map((file) => [`0/lm_head/${file}`, ''])))
    const dump = loadDump(root)
    expect(stepsOf(dump, root)).toEqual({ 0: [`${DEVICE}/0/lm_head/${first}`] })
    expect(ignoredOf(dump, root)).toEqual(
      others.map((n) => `${DEVICE}/0/lm_head/output_${n}.pth: a further output of the layer; ${first} is compared`),
    )
  })

  test('a missing first output makes the choice a guess, unless the path names an output', () => {
    const root = torchTree({
      '0/lm_head/output_0.pth': '',
      '1/lm_head/output_1.pth': '',
      '2/lm_head/output_0_1.pth': '',
    })
    const note =
      'warning: no first output in folder 1, and in 1 more: output_1.pth compared, the first that is there; if that is right, name these files in the path or pattern'
    expect(notesOf(loadDump(root))).toEqual([note])
    expect(notesOf(loadDump(join(root, DEVICE, '1/lm_head/output_1.pth')))).toEqual([])
    expect(notesOf(loadDump(join(root, DEVICE, '0')))).toEqual([])
  })

  test('another output, if the path names it', () => {
    const root = torchTree({ '0/lm_head/output_0.pth': '', '0/lm_head/output_1.pth': '', '1/lm_head/output_1.pth': '' })
    const dump = loadDump(join(root, DEVICE, '*', 'lm_head', 'output_1.pth'))
    expect(stepsOf(dump, root)).toEqual({
      0: [`${DEVICE}/0/lm_head/output_1.pth`],
      1: [`${DEVICE}/1/lm_head/output_1.pth`],
    })
  })

  test('a step without a readable output stays', () => {
    const root = torchTree({
      '0/lm_head/output.pth': '',
      1: null,
      '2/lm_head': null,
      '3/lm_head/statistics.csv': '',
      '4/lm_head/output.pth.tmp': '',
      '5/lm_head/output.pth/x': '',
    })
    expect(stepsOf(loadDump(root), root)).toEqual({
      0: [`${DEVICE}/0/lm_head/output.pth`],
      1: { problem: `no layer folder in /${DEVICE}/1` },
      2: { problem: `no output.pth in /${DEVICE}/2/lm_head (the folder is empty)` },
      3: { problem: `no output.pth in /${DEVICE}/3/lm_head (found statistics.csv): ${STATISTICS_ADVICE}` },
      4: { problem: `no output.pth in /${DEVICE}/4/lm_head (found output.pth.tmp)` },
      5: [`${DEVICE}/5/lm_head/output.pth`],
    })
  })
})

describe('the layer that emits the logits', () => {
  test.each(['root.lm_head', 'model.lm_head', 'lm_head', 'root.LMHead', 'root.output_layer', 'root.embed_out'])(
    '%s among others',
    (head) => {
      const root = torchTree({
        [`0/${head}/output.pth`]: '',
        '0/root.model.norm/output.pth': '',
        '0/root/output.pth': '',
      })
      expect(stepsOf(loadDump(root), root)).toEqual({ 0: [`${DEVICE}/0/${head}/output.pth`] })
    },
  )

  test('the only layer, under any name', () => {
    const root = torchTree({ '0/root.model.norm/output.pth': '' })
    expect(loadDump(root).steps.at(0)!.layer).toBe('root.model.norm')
  })

  test('the layer in the option', () => {
    const root = torchTree({ '0/a/output.pth': '', '0/b/output.pth': '', '1/a/output.pth': '' })
    expect(stepsOf(loadDump(root, { layer: 'b' }), root)).toEqual({
      0: [`${DEVICE}/0/b/output.pth`],
      1: { problem: `no layer folder 'b' in /${DEVICE}/1` },
    })
    expectRefusal(
      () => loadDump(root),
      'ambiguous-layer',
      'holds 2 layers and 0 of them are named like an LM head (a, b…); name the one that emits the logits with the option layer',
      join(root, DEVICE, '0'),
    )
  })

  test('two layers named like a head', () => {
    const root = torchTree({ '0/a.lm_head/output.pth': '', '0/b.lm_head/output.pth': '', '0/c/output.pth': '' })
    const text = 'holds 3 layers and 2 of them are named like an LM head (a.lm_head, b.lm_head…)'
    expectRefusal(() => loadDump(root), 'ambiguous-layer', text, join(root, DEVICE, '0'))
  })
})
