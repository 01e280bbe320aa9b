import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import type { Dump, LoadDumpOptions } from '../../src/dumps/types.js'
import { info } from '../../src/lib/note.js'
import { notesOf } from '../build/notes.js'
import { type Files, writeTree } from '../build/tree.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { ignoredOf, stepsOf } from './steps.js'

const DEVICE = 'run/tensors/0_7'

/** The executions of one rank, each with its layer folders, and files beside `tensors`. */
function atbTree(executions: Readonly<Record<number, readonly string[]>>, beside: Files = {}): string {
  const files: Record<string, string | null> = {}
  for (const [tid, layers] of Object.entries(executions)) {
    files[`${DEVICE}/${tid}`] = null
    for (const layer of layers) files[`${DEVICE}/${tid}/${layer}/after/outtensor0.bin`] = ''
  }
  return writeTree({ ...files, ...Object.fromEntries(Object.entries(beside).map(([k, v]) => [`run/${k}`, v])) })
}

/** Step → `execution/layer`. */
function planOf(dump: Dump, root: string): Record<number, unknown> {
  const short = (file: string) => file.replace(`${DEVICE}/`, '').replace('/after/outtensor0.bin', '')
  const steps = Object.entries(stepsOf(dump, root))
  return Object.fromEntries(steps.map(([step, files]) => [step, Array.isArray(files) ? short(files[0]!) : files]))
}

function load(root: string, options?: LoadDumpOptions): Dump {
  return loadDump(join(root, 'run'), options)
}

const BOTH = { 'layer/7/LmHead_33.json': '{}', 'layer/7/LmHead_67.json': '{}', 'layer/7/Attention_34.json': '{}' }
const TWO_MODELS = { 'model/7/M_prefill.json': '{}', 'model/7/M_decode.json': '{}' }

describe('two heads', () => {
  test('without a warm-up: execution 0 is prefill and first decode', () => {
    const root = atbTree({ 0: ['33_LmHead', '67_LmHead'], 1: ['67_LmHead'], 2: ['67_LmHead'] })
    const dump = load(root)
    expect(planOf(dump, root)).toEqual({ 0: '0/33_LmHead', 1: '0/67_LmHead', 2: '1/67_LmHead', 3: '2/67_LmHead' })
    expect({ ...dump, ignored: [...dump.ignored] }).toMatchObject({ notes: [], ignored: [], stepsAssumed: false })
  })

  test('a warm-up with prefill only', () => {
    const root = atbTree({ 0: ['33_LmHead'], 1: ['33_LmHead', '67_LmHead'], 2: ['67_LmHead'] })
    const dump = load(root)
    expect(planOf(dump, root)).toEqual({ 0: '1/33_LmHead', 1: '1/67_LmHead', 2: '2/67_LmHead' })
    expect(notesOf(dump)).toEqual([
      "warning: execution 0 taken for a warm-up: the prefill head 33 last occurs in execution 1; the run is read from there; if that is right, set loadDump's option prefill: 'last'",
    ])
    expect(ignoredOf(dump, root)).toEqual([
      `${DEVICE}/0/33_LmHead/after/outtensor0.bin: warm-up: an execution before the run starts`,
    ])
  })

  test('one or two warm-ups with prefill and decode', () => {
    const executions = { 0: ['33_LmHead', '67_LmHead'], 1: ['33_LmHead', '67_LmHead'], 2: ['67_LmHead'] }
    const once = atbTree(executions)
    expect(planOf(load(once), once)).toEqual({ 0: '1/33_LmHead', 1: '1/67_LmHead', 2: '2/67_LmHead' })
    expect(load(once).ignored).toHaveLength(2)

    const twice = atbTree({ ...executions, 3: ['33_LmHead', '67_LmHead'], 4: ['67_LmHead'] })
    const dump = load(twice)
    expect(planOf(dump, twice)).toEqual({ 0: '3/33_LmHead', 1: '3/67_LmHead', 2: '4/67_LmHead' })
    expect(notesOf(dump)).toEqual([
      "warning: executions 0 to 2 taken for a warm-up: the prefill head 33 last occurs in execution 3; the run is read from there; if that is right, set loadDump's option prefill: 'last'",
    ])
    expect(dump.ignored).toHaveLength(5)
  })

  test('the lower id is the prefill head, in any spelling or order of the folders', () => {
    const root = atbTree({ 0: ['LmHead_101', 'LmHead_9'], 1: ['LmHead_101'] })
    expect(planOf(load(root), root)).toEqual({ 0: '0/LmHead_9', 1: '0/LmHead_101', 2: '1/LmHead_101' })
  })

  test('a run dumped from its first execution after the warm-up', () => {
    const root = atbTree({ 1: ['33_LmHead', '67_LmHead'], 2: ['67_LmHead'], 10: ['67_LmHead'] })
    const dump = load(root)
    expect(planOf(dump, root)).toEqual({ 0: '1/33_LmHead', 1: '1/67_LmHead', 2: '2/67_LmHead', 10: '10/67_LmHead' })
    expect(notesOf(dump)).toEqual([])
  })

  test('a run of one generated token has only a prefill', () => {
    const root = atbTree({ 0: ['33_LmHead', '67_LmHead'], 1: ['33_LmHead'] })
    expect(planOf(load(root), root)).toEqual({ 0: '1/33_LmHead' })
  })

  test('a missing decode keeps its step', () => {
    const root = atbTree({ 0: ['33_LmHead'], 1: ['67_LmHead'], 2: [], 3: ['67_LmHead'] })
    expect(planOf(load(root), root)).toEqual({
      0: '0/33_LmHead',
      1: { problem: `no LM head 67 in /${DEVICE}/0` },
      2: '1/67_LmHead',
      3: { problem: `no LM head 67 in /${DEVICE}/2` },
      4: '3/67_LmHead',
    })
  })

  test('a head without its output', () => {
    const root = atbTree({ 0: ['33_LmHead', '67_LmHead'] }, { 'tensors/0_7/1/67_LmHead/before/intensor0.bin': '' })
    expect(planOf(load(root), root)).toMatchObject({
      2: { problem: `no after/outtensor0.bin in /${DEVICE}/1/67_LmHead` },
    })
  })

  test('two heads among all layers of the model', () => {
    const layers = ['0_Embedding', '1_DecoderLayer', '2_RmsNorm', '3_LmHead', '4_Embedding', '7_LmHead']
    const root = atbTree({ 0: layers, 1: layers.slice(4) })
    expect(planOf(load(root), root)).toEqual({ 0: '0/3_LmHead', 1: '0/7_LmHead', 2: '1/7_LmHead' })
  })

  test('firstStep is the step of the prefill', () => {
    const root = atbTree({ 0: ['33_LmHead', '67_LmHead'], 1: ['67_LmHead'] })
    const dump = load(root, { firstStep: 5 })
    expect(planOf(dump, root)).toEqual({ 5: '0/33_LmHead', 6: '0/67_LmHead', 7: '1/67_LmHead' })
    expect(notesOf(dump)).toEqual(['firstStep 5: the prefill of execution 0 is step 5'])
  })

  test('the option layer selects one head; the other still decides where the run starts', () => {
    const root = atbTree({ 0: ['33_LmHead'], 1: ['33_LmHead', '67_LmHead'], 2: ['67_LmHead'] })
    expect(planOf(load(root, { layer: '67_LmHead' }), root)).toEqual({ 1: '1/67_LmHead', 2: '2/67_LmHead' })
    expect(planOf(load(root, { layer: '33' }), root)).toEqual({ 0: '1/33_LmHead' })
    expect(planOf(load(root, { layer: 'LmHead' }), root)).toEqual(planOf(load(root), root))
  })
})

describe('the option prefill says where the run starts', () => {
  const WARM = { 0: ['33_LmHead', '67_LmHead'], 1: ['67_LmHead'], 3: ['33_LmHead', '67_LmHead'], 4: ['67_LmHead'] }

  test("'last' confirms the rule", () => {
    const root = atbTree(WARM)
    const dump = load(root, { prefill: 'last' })
    expect(planOf(dump, root)).toEqual(planOf(load(root), root))
    expect(notesOf(dump)).toEqual([
      "prefill: 'last': the run starts at execution 3; executions 0 to 1 ignored as a warm-up",
    ])
  })

  test('a number names the execution; what follows the next prefill is another run', () => {
    const root = atbTree(WARM)
    const dump = load(root, { prefill: 0 })
    expect(planOf(dump, root)).toEqual({ 0: '0/33_LmHead', 1: '0/67_LmHead', 2: '1/67_LmHead' })
    expect(notesOf(dump)).toEqual([
      'prefill: 0: the run starts at execution 0; executions 3 to 4 ignored as a later run',
    ])
    expect(ignoredOf(dump, root)[0]).toMatch(/: an execution of a later run$/)
    expect(planOf(load(root, { prefill: 3 }), root)).toEqual(planOf(load(root), root))
    expect(planOf(load(root, { prefill: 3, firstStep: 5 }), root)[5]).toBe('3/33_LmHead')
  })

  test('a run without a warm-up needs no note', () => {
    const root = atbTree({ 0: ['33_LmHead', '67_LmHead'], 1: ['67_LmHead'] })
    for (const prefill of ['last', 0] as const) expect(notesOf(load(root, { prefill }))).toEqual([])
  })

  test('with the prefill head alone', () => {
    const root = atbTree({ 0: ['33_LmHead'], 1: ['33_LmHead'] }, BOTH)
    const last = load(root, { prefill: 'last' })
    expect(planOf(last, root)).toEqual({ 0: '1/33_LmHead' })
    expect(last).toMatchObject({
      notes: [info("prefill: 'last': step 0 alone is compared, from execution 1")],
      stepsAssumed: false,
    })
    expect(planOf(load(root, { prefill: 0 }), root)).toEqual({ 0: '0/33_LmHead' })
  })

  test('an execution without the prefill head', () => {
    const root = atbTree(WARM)
    const text = 'the option prefill: 1 names an execution without the prefill head; it is in 0, 3'
    expectRefusal(() => load(root, { prefill: 1 }), 'invalid-argument', text, join(root, 'run'))
  })

  test('a dump without a prefill head', () => {
    const decoder = atbTree({ 0: ['67_LmHead'] }, BOTH)
    const text = "and this one has only the decoder's head 67; set firstStep, the step of its first execution"
    expectRefusal(() => load(decoder, { prefill: 'last' }), 'invalid-argument', text, join(decoder, 'run'))
    const single = atbTree({ 0: ['33_LmHead'] })
    const both = 'this one has one head 33 for prefill and decode; set firstStep'
    expectRefusal(() => load(single, { prefill: 0 }), 'invalid-argument', both, join(single, 'run'))
  })

  test('a dump of another layout', () => {
    const root = writeTree({ 'logits_t_0_0.pth': '' })
    const text =
      "the option prefill names an execution of an ATB dump, or a forward pass of SGLang's dumper, and this is a dump of the layout 'flat'"
    expectRefusal(() => loadDump(root, { prefill: 'last' }), 'invalid-argument', text, root)
  })
})

describe('one head', () => {
  test('execution n is step n', () => {
    const root = atbTree({ 0: ['33_LmHead'], 1: ['33_LmHead'], 10: ['33_LmHead'] }, { 'model/7/M.json': '{}' })
    const dump = load(root)
    expect(planOf(dump, root)).toEqual({ 0: '0/33_LmHead', 1: '1/33_LmHead', 10: '10/33_LmHead' })
    expect(dump).toMatchObject({ notes: [], stepsAssumed: true })
  })

  test('a run dumped from execution 1: firstStep is the step of execution 1', () => {
    const root = atbTree({ 1: ['33_LmHead'], 2: ['33_LmHead'] })
    expect(planOf(load(root), root)).toEqual({ 1: '1/33_LmHead', 2: '2/33_LmHead' })
    const dump = load(root, { firstStep: 0 })
    expect(planOf(dump, root)).toEqual({ 0: '1/33_LmHead', 1: '2/33_LmHead' })
    expect(dump).toMatchObject({ notes: [info('firstStep 0: execution 1 is step 0')], stepsAssumed: false })
  })

  test.each([
    ['the layers of the run', BOTH],
    ['two models and no names', TWO_MODELS],
    [
      'the operations in the models',
      {
        'model/7/M_prefill.json': '{"nodes": [{"opName": "LmHead_33"}]}',
        'model/7/M_decode.json': '{"nodes": [{"nodeName": "x", "opName" : "LmHead_67"}]}',
      },
    ],
  ])('the decoder’s alone: execution n is step n + 1, by %s', (_, beside) => {
    const root = atbTree({ 0: ['67_LmHead'], 1: ['67_LmHead'] }, beside)
    const dump = load(root)
    expect(planOf(dump, root)).toEqual({ 1: '0/67_LmHead', 2: '1/67_LmHead' })
    expect(dump.stepsAssumed).toBe(true)
    expect(notesOf(dump)).toEqual([
      "warning: only the decoder's head 67 was dumped: execution n taken for step n + 1; if that is right, set loadDump's option firstStep: 1; if there was a warm-up, firstStep: 0",
    ])
    expect(planOf(load(root, { firstStep: 0 }), root)).toEqual({ 0: '0/67_LmHead', 1: '1/67_LmHead' })
  })

  test('only the prefill head: the last execution is step 0', () => {
    const root = atbTree({ 0: ['33_LmHead'], 1: ['33_LmHead'] }, BOTH)
    const dump = load(root)
    expect(planOf(dump, root)).toEqual({ 0: '1/33_LmHead' })
    expect(notesOf(dump)).toEqual([
      "warning: only the prefill head 33 was dumped: step 0 alone is compared, from execution 1; if that is right, set loadDump's option prefill: 'last'",
    ])
    expect(dump.ignored).toHaveLength(1)
  })

  test('the topology files of msprobe are in another folder', () => {
    const root = writeTree({
      'atb_dump_data/data/0_7/0/67_LmHead/after/outtensor0.bin': '',
      'atb_dump_data/info/layer/0_7/LmHead_33.json': '{}',
      'atb_dump_data/info/layer/0_7/LmHead_67.json': '{}',
    })
    expect(Object.keys(stepsOf(loadDump(root), root))).toEqual(['1'])
  })

  test('the only layer is the head, under any name', () => {
    const root = atbTree({ 0: ['12_Gather'], 1: ['12_Gather'] })
    expect(planOf(load(root), root)).toEqual({ 0: '0/12_Gather', 1: '1/12_Gather' })
  })

  test('topology files that are huge or not JSON are ignored', () => {
    const beside = { 'model/7/M.json': '\0"opName": "LmHead_', 'model/7/N.json': 'x'.repeat(9 * 1024 * 1024) }
    const root = atbTree({ 0: ['12_LmHead'] }, beside)
    expect(notesOf(load(root))).toEqual([expect.stringContaining("only the decoder's head 12 was dumped")])
  })
})

test('entries that are neither execution nor layer are listed', () => {
  const root = atbTree(
    { 0: ['33_LmHead'] },
    { 'tensors/0_7/x/y': '', 'tensors/0_7/note.txt': '', 'tensors/0_7/0/Foo/after/outtensor0.bin': '' },
  )
  const dump = load(root)
  expect(planOf(dump, root)).toEqual({ 0: '0/33_LmHead' })
  expect(ignoredOf(dump, root)).toEqual([
    `${DEVICE}/0/Foo: not a layer folder`,
    `${DEVICE}/note.txt: not an execution folder`,
    `${DEVICE}/x: not an execution folder`,
  ])
})

test('a named file that is not a step is compared by itself, with a note', () => {
  const root = atbTree({ 0: ['33_LmHead', '5_Attention'], 1: ['33_LmHead', '67_LmHead'] })
  const warmUp = loadDump(join(root, DEVICE, '0/33_LmHead/after/outtensor0.bin'))
  expect(planOf(warmUp, root)).toEqual({ 0: '0/33_LmHead' })
  expect(warmUp).toMatchObject({
    layout: 'file',
    named: 'file',
  })
  expect(notesOf(warmUp)).toEqual([
    "warning: outtensor0.bin is not a step of its run (warm-up: an execution before the run starts): compared by itself, as token 0; if that is right, set loadDump's option firstStep: 0",
  ])
  const other = loadDump(join(root, DEVICE, '0/5_Attention/after/outtensor0.bin'), { firstStep: 3 })
  expect(planOf(other, root)).toEqual({ 3: '0/5_Attention' })
  expect(notesOf(other)).toEqual([
    'outtensor0.bin is not a step of its run (not of the layer that emits the logits): compared by itself, as token 3',
  ])
})

describe('refused', () => {
  test('the folder of a warm-up', () => {
    const root = atbTree({ 0: ['33_LmHead'], 1: ['33_LmHead', '67_LmHead'] })
    const path = join(root, DEVICE, '0')
    const text = 'no dump here (found outtensor0.bin: warm-up: an execution before the run starts)'
    expectRefusal(() => loadDump(path), 'nothing-to-compare', text, path)
  })

  test('two layers of different operations, neither of them named like a head', () => {
    const root = atbTree({ 0: ['3_Norm', '4_Linear'] })
    const text =
      'holds 2 layers, 0 of them named like an LM head (3_Norm, 4_Linear); name the head with the option layer'
    expectRefusal(() => load(root), 'ambiguous-layer', text, join(root, 'run'))
    expect(planOf(load(root, { layer: 'Linear' }), root)).toEqual({ 0: '0/4_Linear' })
  })

  test('layers without a recognizable head', () => {
    const root = atbTree({ 0: ['0_Embedding', '1_Decoder', '2_Norm'] })
    const path = join(root, 'run')
    expectRefusal(
      () => loadDump(path),
      'ambiguous-layer',
      'holds 3 layers, 0 of them named like an LM head (0_Embedding, 1_Decoder, 2_Norm); name the head with the option layer',
      path,
    )
    expectRefusal(() => loadDump(path, { layer: 'x' }), 'ambiguous-layer', "0 of them matching layer: 'x'", path)
    expect(planOf(load(root, { layer: '2_Norm' }), root)).toEqual({ 0: '0/2_Norm' })
  })

  test('three heads', () => {
    const root = atbTree({ 0: ['1_LmHead', '2_LmHead', '3_LmHead'] })
    const path = join(root, 'run')
    expectRefusal(() => loadDump(path), 'ambiguous-layer', 'holds 3 layers, 3 of them named like an LM head', path)
  })

  test('two folders of one layer', () => {
    const root = atbTree({ 0: ['33_LmHead', 'LmHead_33'] })
    const text = 'and 33_LmHead are both layer 33 of one execution; remove the one that is not of this run'
    expectRefusal(() => load(root), 'ambiguous-layer', text, join(root, DEVICE, '0/LmHead_33'))
  })

  test('layer folders without a number', () => {
    const root = atbTree({ 0: ['LmHead'] })
    const text = 'its executions hold no layer folder; its name would be {id}_{OpName}, such as 33_LmHead'
    expectRefusal(() => load(root), 'ambiguous-layer', text, join(root, 'run'))
  })
})
