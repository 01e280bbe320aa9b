import { cpSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import { writeTree } from '../build/tree.js'
import { layoutConformance } from '../conformance/layout.js'
import { ignoredOf, stepsOf } from './steps.js'

// No file of these trees contains a tensor, because loadDump reads none.
const torch = (run = 'gpu/msit_dump_20250301_101500') => ({
  [`${run}/torch_tensors/cuda0_66245/model_tree.json`]: '{}',
  [`${run}/torch_tensors/cuda0_66245/0/root.lm_head/output.pth`]: '',
  [`${run}/torch_tensors/cuda0_66245/1/root.lm_head/output.pth`]: '',
  [`${run}/torch_tensors/cuda0_66245/2/root.lm_head/output.pth`]: '',
})
const atb = (run = 'npu/msit_dump_20250301_113000') => ({
  [`${run}/tensors/0_1445461/0/33_LmHead/after/outtensor0.bin`]: '',
  [`${run}/tensors/0_1445461/0/33_LmHead/before/intensor0.bin`]: '',
  [`${run}/tensors/0_1445461/0/67_LmHead/after/outtensor0.bin`]: '',
  [`${run}/tensors/0_1445461/1/67_LmHead/after/outtensor0.bin`]: '',
  [`${run}/model/1445461/LlamaDecoderModel_prefill.json`]: '{}',
  [`${run}/model/1445461/LlamaDecoderModel_decode.json`]: '{}',
  [`${run}/layer/1445461/LmHead_33.json`]: '{}',
})
const torchSteps = (device: string) =>
  Object.fromEntries([0, 1, 2].map((step) => [step, [`${device}/${step}/root.lm_head/output.pth`]]))
const atbSteps = (device: string) => ({
  0: [`${device}/0/33_LmHead/after/outtensor0.bin`],
  1: [`${device}/0/67_LmHead/after/outtensor0.bin`],
  2: [`${device}/1/67_LmHead/after/outtensor0.bin`],
})
const TORCH_DEVICE = 'gpu/msit_dump_20250301_101500/torch_tensors/cuda0_66245'
const ATB_DEVICE = 'npu/msit_dump_20250301_113000/tensors/0_1445461'

const TORCH_FILE = (step: number | string) => `${TORCH_DEVICE}/${step}/root.lm_head/output.pth`
const ATB_FILE = (execution: number | string, head: string) => `${ATB_DEVICE}/${execution}/${head}/after/outtensor0.bin`

layoutConformance({
  layout: 'torch',
  files: { ...torch(), ...atb() },
  folder: TORCH_DEVICE,
  steps: torchSteps(TORCH_DEVICE),
  whole: [
    'gpu',
    'gpu/',
    'gpu/msit_dump_20250301_101500',
    'gpu/msit_dump_20250301_101500/torch_tensors',
    TORCH_DEVICE,
    `./gpu/../${TORCH_DEVICE}`,
    'gpu/msit_dump_*',
    'gp?/*/torch_tensors/',
    'gpu/msit_dump_*/torch_tensors/cuda0_*',
    'gpu/{msit,ait}_dump_*/torch_tensors/[a-z]*0_*',
    '**/cuda0_*',
    `${TORCH_DEVICE}/*`,
    `${TORCH_DEVICE}/*/root.lm_head`,
    TORCH_FILE('*'),
    `${TORCH_DEVICE}/**`,
  ],
  parts: [
    [`${TORCH_DEVICE}/1`, [1], 'folder'],
    [`${TORCH_DEVICE}/1/root.lm_head`, [1], 'folder'],
    [TORCH_FILE(2), [2], 'file'],
    [`${TORCH_DEVICE}/[02]`, [0, 2], 'folder'],
    [TORCH_FILE('{1,2}'), [1, 2], 'folder'],
  ],
})

layoutConformance({
  layout: 'atb',
  files: { ...torch(), ...atb() },
  folder: ATB_DEVICE,
  steps: atbSteps(ATB_DEVICE),
  whole: [
    'npu',
    'npu/msit_dump_20250301_113000/',
    'npu/msit_dump_20250301_113000/tensors',
    ATB_DEVICE,
    'npu/*/tensors/0_*',
    '*/msit_dump_*/tensors/0_*',
    `${ATB_DEVICE}/*`,
    `${ATB_DEVICE}/*/*_LmHead`,
    `${ATB_DEVICE}/*/*/after`,
    ATB_FILE('*', '*'),
  ],
  parts: [
    [`${ATB_DEVICE}/0`, [0, 1], 'folder'],
    [`${ATB_DEVICE}/1`, [2], 'folder'],
    [`${ATB_DEVICE}/0/67_LmHead`, [1], 'folder'],
    [`${ATB_DEVICE}/0/67_LmHead/after`, [1], 'folder'],
    [ATB_FILE(0, '33_LmHead'), [0], 'file'],
    [ATB_FILE(1, '67_LmHead'), [2], 'file'],
    [ATB_FILE('*', '67_LmHead'), [1, 2], 'folder'],
  ],
})

layoutConformance({
  layout: 'flat',
  files: Object.fromEntries([0, 1, 10].map((step) => [`bad cases/logits_gsm8k_12_${step}.pth`, ''])),
  folder: 'bad cases',
  steps: Object.fromEntries([0, 1, 10].map((step) => [step, [`bad cases/logits_gsm8k_12_${step}.pth`]])),
  whole: ['bad cases', 'bad cases/', 'bad*', 'bad cases/*', 'bad cases/logits_*_12_*.pth'],
  parts: [
    ['bad cases/logits_gsm8k_12_10.pth', [10], 'file'],
    ['bad cases/*_1.pth', [1], 'folder'],
    ['bad cases/*_1?.pth', [10], 'folder'],
  ],
})

describe('folders that were copied and renamed', () => {
  test.each([
    ['the run', 'gpu/msit_dump_20250301_101500', 'golden run (copy)'],
    ['the tensors folder', 'gpu/msit_dump_20250301_101500/torch_tensors', 'tensors of gpu'],
    ['the device folder', TORCH_DEVICE, 'golden'],
  ])('%s', (_, from, to) => {
    const root = writeTree(torch())
    renameSync(join(root, from), join(root, to))
    expect(Object.keys(stepsOf(loadDump(join(root, to)), root))).toEqual(['0', '1', '2'])
  })

  test('an ATB device folder without its parents', () => {
    const root = writeTree(atb())
    renameSync(join(root, ATB_DEVICE), join(root, 'mine'))
    expect(stepsOf(loadDump(join(root, 'mine')), root)).toEqual(atbSteps('mine'))
  })

  test('a step or layer folder without its step number is one token with an assumed number', () => {
    const root = writeTree({ 'some step/root.lm_head/output_0.pth': '', 'head/after/outtensor0.bin': '' })
    for (const [path, file] of [
      ['some step', 'some step/root.lm_head/output_0.pth'],
      ['some step/root.lm_head', 'some step/root.lm_head/output_0.pth'],
      ['head', 'head/after/outtensor0.bin'],
      ['head/after', 'head/after/outtensor0.bin'],
    ] as const) {
      const dump = loadDump(join(root, path))
      expect(dump).toMatchObject({ layout: 'file', stepsAssumed: true })
      expect(stepsOf(dump, root)).toEqual({ 0: [file] })
      expect(stepsOf(loadDump(join(root, path), { firstStep: 7 }), root)).toEqual({ 7: [file] })
    }
  })

  test('a file by itself', () => {
    const root = writeTree({ 'a.pth': '', 'run/0/33_LmHead/before/intensor0.bin': '' })
    for (const path of ['a.pth', 'run/0/33_LmHead/before/intensor0.bin']) {
      const dump = loadDump(join(root, path))
      expect(dump).toMatchObject({ layout: 'file', named: 'file', notes: [], stepsAssumed: true })
      expect(stepsOf(dump, root)).toEqual({ 0: [path] })
    }
  })

  test('the older folder names, and the names of msprobe', () => {
    const root = writeTree({
      ...atb('ait_dump_20240101_010101'),
      'msprobe/atb_dump_data/data/0_7/0/1_LmHead/after/outtensor0.bin': '',
      'msprobe/atb_dump_data/data/0_7/0/1_LmHead/after/op_param.json': '{}',
      'msprobe/atb_dump_data/info/layer/0_7/LmHead_1.json': '{}',
    })
    const device = 'ait_dump_20240101_010101/tensors/0_1445461'
    expect(stepsOf(loadDump(join(root, 'ait_dump_20240101_010101')), root)).toEqual(atbSteps(device))
    const steps = { 0: ['msprobe/atb_dump_data/data/0_7/0/1_LmHead/after/outtensor0.bin'] }
    for (const path of ['msprobe', 'msprobe/atb_dump_data', 'msprobe/atb_dump_data/data', 'msprobe/*/data/0_7']) {
      expect(stepsOf(loadDump(join(root, path)), root)).toEqual(steps)
    }
  })
})

test('an existing path is taken literally, also in front of a pattern', () => {
  const root = writeTree({ ...torch('runs [1]/{a,b}*/msit_dump_20250301_101500'), ...torch('runs 1/a') })
  const device = 'runs [1]/{a,b}*/msit_dump_20250301_101500/torch_tensors/cuda0_66245'
  for (const path of ['runs [1]/{a,b}*', 'runs [1]/{a,b}*/msit_dump_*', 'runs [1]/{a,b}*/*/torch_tensors/cuda0_*']) {
    expect(stepsOf(loadDump(join(root, path)), root)).toEqual(torchSteps(device))
  }
})

test.runIf(process.platform !== 'win32')('a backslash takes a character of a pattern as it is', () => {
  const root = writeTree({ ...torch('run[1]x'), ...torch('run1x') })
  for (const path of ['run\\[1\\]*', 'run\\[1\\]x']) {
    const files = Object.values(stepsOf(loadDump(`${root}/${path}`), root)).flat()
    expect(files).toHaveLength(3)
    expect(files.every((file) => String(file).startsWith('run[1]x/'))).toBe(true)
  }
})

test('links are followed if the caller names them, and unreadable steps if they are in a dump', () => {
  const root = writeTree(torch())
  symlinkSync(join(root, 'gpu'), join(root, 'latest'), 'junction')
  const device = 'latest/msit_dump_20250301_101500/torch_tensors/cuda0_66245'
  expect(stepsOf(loadDump(join(root, 'latest')), root)).toEqual(torchSteps(device))
  expect(stepsOf(loadDump(join(root, 'lat*')), root)).toEqual(torchSteps(device))
  symlinkSync(join(root, TORCH_DEVICE, '0'), join(root, TORCH_DEVICE, '3'), 'junction')
  const dump = loadDump(join(root, 'gpu'))
  expect(stepsOf(dump, root)).toMatchObject(torchSteps(TORCH_DEVICE))
  expect(dump.steps.at(3)).toMatchObject({
    step: 3,
    files: [],
    problem: expect.stringContaining('is a link to a folder'),
  })
  expect(stepsOf(loadDump(join(root, TORCH_DEVICE, '3')), root)).toEqual({ 3: [TORCH_FILE(3)] })
})

test('entries that do not belong to a dump are listed at every level', () => {
  const root = writeTree({
    ...torch(),
    'gpu/notes.txt': '',
    'gpu/old/readme': '',
    'gpu/msit_dump_20250301_101500/log.txt': '',
    'gpu/msit_dump_20250301_101500/torch_tensors/cuda1_7': null,
    [`${TORCH_DEVICE}/03/x`]: '',
    [`${TORCH_DEVICE}/1/stray.bin`]: '',
    [`${TORCH_DEVICE}/7`]: '',
  })
  const dump = loadDump(join(root, 'gpu'))
  expect(stepsOf(dump, root)).toEqual(torchSteps(TORCH_DEVICE))
  expect(ignoredOf(dump, root)).toEqual([
    'gpu/msit_dump_20250301_101500/log.txt: not part of a dump',
    'gpu/msit_dump_20250301_101500/torch_tensors/cuda1_7: a device folder without any step',
    'gpu/notes.txt: not part of a dump',
    'gpu/old: not part of a dump',
    `${TORCH_DEVICE}/1/stray.bin: not a layer folder`,
    `${TORCH_DEVICE}/03: not a step folder`,
    `${TORCH_DEVICE}/7: not a step folder`,
  ])
})

test('a pattern may select some steps of one rank and all steps of another', () => {
  const root = writeTree({
    'tensors/0_1/0/9_LmHead/after/outtensor0.bin': '',
    'tensors/0_1/1/9_LmHead/after/outtensor0.bin': '',
    'tensors/1_1/0/9_LmHead/after/outtensor0.bin': '',
  })
  expect(stepsOf(loadDump(join(root, 'tensors/{0_1/0,1_1}')), root)).toEqual({
    0: ['tensors/0_1/0/9_LmHead/after/outtensor0.bin', 'tensors/1_1/0/9_LmHead/after/outtensor0.bin'],
  })
})

test('a pattern that matches 500 steps one by one', () => {
  const files = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`0_1/${i}/9_LmHead/after/outtensor0.bin`, '']),
  )
  const root = writeTree(files)
  const whole = [...loadDump(root).steps]
  expect(whole).toHaveLength(500)
  expect(whole[499]!.step).toBe(499)
  expect([...loadDump(join(root, '0_1/*/*/after/outtensor0.bin')).steps]).toEqual(whole)
  cpSync(join(root, '0_1/7'), join(root, '0_1/500'), { recursive: true })
  expect(loadDump(join(root, '0_1/*')).steps).toHaveLength(501)
})
