import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import { compareDumps } from '../../src/index.js'
import { notesOf } from '../build/notes.js'
import { writeTree } from '../build/tree.js'
import { bin } from '../formats/build/bin.js'
import { FOUR } from '../formats/build/zip.js'
import { ignoredOf, stepsOf } from './steps.js'

const LINK = 'a link to a folder, or a broken one: links are not followed'
const problemOf = (path: string) => ({ problem: `${path} is ${LINK}; put a copy of its target in its place (cp -rL)` })

/** Moves a folder out of the dump, and leaves a link to it. */
function linkAway(root: string, folder: string): void {
  const target = join(root, `store of ${folder.replaceAll('/', ' ')}`)
  renameSync(join(root, folder), target)
  symlinkSync(target, join(root, folder), 'junction')
}

const torch = (device: string, steps: readonly number[]) =>
  Object.fromEntries(steps.map((step) => [`${device}/${step}/lm_head/output.pth`, '']))

describe('a step that is a link', () => {
  test('torch: the step is unreadable, the others are read', () => {
    const root = writeTree(torch('torch_tensors/cuda0_1', [0, 1, 2]))
    linkAway(root, 'torch_tensors/cuda0_1/1')
    symlinkSync(join(root, 'nowhere'), join(root, 'torch_tensors/cuda0_1/3'), 'junction')
    symlinkSync(root, join(root, 'torch_tensors/cuda0_1/up'), 'junction')
    const dump = loadDump(root)
    expect(stepsOf(dump, root)).toEqual({
      0: ['torch_tensors/cuda0_1/0/lm_head/output.pth'],
      1: problemOf('/torch_tensors/cuda0_1/1'),
      2: ['torch_tensors/cuda0_1/2/lm_head/output.pth'],
      3: problemOf('/torch_tensors/cuda0_1/3'),
    })
    expect(ignoredOf(dump, root)).toContain(`torch_tensors/cuda0_1/up: ${LINK}`)
  })

  test('torch: firstStep counts from a linked first step', () => {
    const root = writeTree(torch('cuda0_1', [4, 5]))
    linkAway(root, 'cuda0_1/4')
    expect(Object.keys(stepsOf(loadDump(join(root, 'cuda0_1'), { firstStep: 0 }), root))).toEqual(['0', '1'])
  })

  test('a rank of which every step is a link is still a rank', () => {
    const root = writeTree({ ...torch('torch_tensors/cuda0_1', [0]), ...torch('torch_tensors/cuda1_1', [0]) })
    linkAway(root, 'torch_tensors/cuda1_1/0')
    expect(stepsOf(loadDump(root), root)).toEqual({ 0: problemOf('/torch_tensors/cuda1_1/0') })
    const atb = writeTree({
      'tensors/0_1/0/9_LmHead/after/outtensor0.bin': '',
      'tensors/1_1/0/9_LmHead/after/outtensor0.bin': '',
    })
    linkAway(atb, 'tensors/1_1/0')
    expect(stepsOf(loadDump(atb), atb)).toEqual({ 0: problemOf('/tensors/1_1/0') })
  })

  test('torch: a linked head beside another layer is not replaced by that layer', () => {
    const root = writeTree({ ...torch('cuda0_1', [0, 1]), 'cuda0_1/1/norm/output.pth': '' })
    linkAway(root, 'cuda0_1/1/lm_head')
    const steps = { 0: ['cuda0_1/0/lm_head/output.pth'], 1: problemOf('/cuda0_1/1/lm_head') }
    expect(stepsOf(loadDump(join(root, 'cuda0_1')), root)).toEqual(steps)
    expect(stepsOf(loadDump(join(root, 'cuda0_1'), { layer: 'lm_head' }), root)).toEqual(steps)
  })

  test('ATB: the step of a linked execution', () => {
    const file = (tid: number, head: string) => `tensors/0_1/${tid}/${head}/after/outtensor0.bin`
    const files = [file(0, '33_LmHead'), file(0, '67_LmHead'), file(1, '67_LmHead'), file(2, '67_LmHead')]
    const root = writeTree(Object.fromEntries(files.map((path) => [path, ''])))
    linkAway(root, 'tensors/0_1/1')
    expect(stepsOf(loadDump(root), root)).toEqual({
      0: [files[0]],
      1: [files[1]],
      2: problemOf('/tensors/0_1/1'),
      3: [files[3]],
    })
  })

  test('ATB: a linked execution before the run is listed as a part of the warm-up', () => {
    const root = writeTree({ 'tensors/0_1/1/33_LmHead/after/x': '', 'tensors/0_1/1/67_LmHead/after/x': '' })
    symlinkSync(root, join(root, 'tensors/0_1/0'), 'junction')
    const dump = loadDump(root)
    expect(notesOf(dump)).toEqual([expect.stringContaining('warning: execution 0 taken for a warm-up')])
    expect(ignoredOf(dump, root)).toEqual(['tensors/0_1/0: warm-up: an execution before the run starts'])
  })

  test.runIf(process.platform !== 'win32')('flat: a link to a file is a file, another link is unreadable', () => {
    const root = writeTree({ 'logits_t_0_0.pth': '', 'other.pth': '', folder: null })
    symlinkSync(join(root, 'other.pth'), join(root, 'logits_t_0_1.pth'))
    symlinkSync(join(root, 'folder'), join(root, 'logits_t_0_2.pth'))
    symlinkSync(join(root, 'nowhere'), join(root, 'logits_t_0_3.pth'))
    symlinkSync(join(root, 'folder'), join(root, 'latest'))
    const steps = {
      0: ['logits_t_0_0.pth'],
      1: ['logits_t_0_1.pth'],
      2: problemOf('/logits_t_0_2.pth'),
      3: problemOf('/logits_t_0_3.pth'),
    }
    expect(stepsOf(loadDump(root), root)).toEqual(steps)
    expect(stepsOf(loadDump(join(root, 'logits_*')), root)).toEqual(steps)
    expect(ignoredOf(loadDump(root), root)).toEqual([
      'folder: not part of a dump',
      `latest: ${LINK}`,
      'other.pth: not part of a dump',
    ])
  })
})

test('a pattern that names a linked step follows it; a broken link stays unreadable', () => {
  const root = writeTree(torch('cuda0_1', [0, 1]))
  linkAway(root, 'cuda0_1/1')
  symlinkSync(join(root, 'nowhere'), join(root, 'cuda0_1/2'), 'junction')
  expect(stepsOf(loadDump(join(root, 'cuda0_1/*')), root)).toEqual({
    0: ['cuda0_1/0/lm_head/output.pth'],
    1: ['cuda0_1/1/lm_head/output.pth'],
    2: { problem: expect.stringContaining('cannot list the folder') },
  })
})

test('a step that is a link on both sides counts in the total, and fails', () => {
  const root = writeTree({})
  for (const side of ['golden', 'dump']) {
    for (const step of [0, 1]) {
      mkdirSync(join(root, side, `cuda0_1/${step}/lm_head`), { recursive: true })
      writeFileSync(join(root, side, `cuda0_1/${step}/lm_head/output.pth`), bin({}, FOUR))
    }
    linkAway(root, `${side}/cuda0_1/1`)
  }
  const { counts, pass, tokens } = compareDumps(join(root, 'dump'), join(root, 'golden'))
  expect({ total: counts.total, unreadable: counts.unreadable, pass }).toEqual({ total: 2, unreadable: 1, pass: false })
  expect(tokens[1]).toMatchObject({
    step: 1,
    verdict: 'unreadable',
    reason: expect.stringContaining('links are not followed'),
  })
})
