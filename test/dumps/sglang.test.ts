import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { compareLayers } from '../../src/compare/layers/compare-layers.js'
import { layersOf } from '../../src/dumps/layers/index.js'
import { loadDump } from '../../src/dumps/load.js'
import { pth } from '../build/logits.js'
import { type Files, writeTree } from '../build/tree.js'
import { layoutConformance } from '../conformance/layout.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { stepsOf } from './steps.js'

const FIXTURES = resolve(import.meta.dirname, '../fixtures/sglang')
const [GOLDEN, BUILD] = ['golden', 'build'].map((name) => join(FIXTURES, name)) as [string, string]

const file = (pass: number, name = 'next_token_logits', rank = 0, index = pass) =>
  `step=${pass}___rank=${rank}___dump_index=${index}___name=${name}___recompute_status=disabled.pt`
const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

layoutConformance({
  layout: 'sglang',
  files: Object.fromEntries(NUMBERS.map((pass) => [`out/dump_20261130_1/${file(pass)}`, ''])),
  folder: 'out/dump_20261130_1',
  steps: Object.fromEntries(NUMBERS.map((pass) => [pass, [`out/dump_20261130_1/${file(pass)}`]])),
  whole: ['out', 'out/dump_20261130_1', 'o?t'],
  parts: [],
})

describe("folders of SGLang's own dumper", () => {
  test('hold the rows that the model made, without the warm-up', () => {
    const golden = loadDump(GOLDEN, { prefill: 'last' })
    const rows = loadDump(join(FIXTURES, 'logits.npz'), { positions: 'steps' })
    const { pass, tokens } = compareDumps(golden, rows, { dtype: 'fp32', identical: 'allow' })
    expect(pass).toBe(true)
    expect(tokens.map(({ metrics }) => metrics!.klDivergence)).toEqual([0, 0, 0])
    expect(golden.notes.map(({ text }) => text)).toEqual([
      'prefill: last: the run begins at forward pass 1; forward passes outside the run: 1 before it',
    ])
  })

  test('hold the ids that were read, which show where two runs part', () => {
    const [golden, build] = [GOLDEN, BUILD].map((path) => loadDump(path, { prefill: 'last' })) as [never, never]
    expect(loadDump(GOLDEN).tokenIds).toEqual(new Map([['input_ids', [5, 17, 3, 40, 21, 9]]]))
    const { pass, tokens } = compareDumps(build, golden, { dtype: 'bf16' })
    expect(pass).toBe(true)
    expect(tokens.map(({ dump }) => [dump!.dtype, dump!.layer])).toEqual(
      Array(3).fill(['bfloat16', 'non_intrusive__output.next_token_logits']),
    )
    const warmUp = loadDump(BUILD, { prefill: 0 })
    const text = 'the two sides read different tokens: at position 0 of input_ids the golden'
    expectRefusal(() => compareDumps(warmUp, golden), 'nothing-to-compare', text, BUILD)
  })

  test('hold the layers of a pass, in the order in which they ended', () => {
    const { layers, order } = layersOf(loadDump(GOLDEN, { prefill: 'last' }), 2)
    expect(order).toBe('recorded')
    expect(layers.map(({ name, inputs, outputs }) => [name, inputs.length, outputs.length])).toEqual([
      ['model.embed_tokens', 1, 1],
      ['model.layers.0.norm', 1, 1],
      ['model.layers.0.mlp', 1, 1],
      ['model.layers.0', 1, 1],
      ['model.layers.1.norm', 1, 1],
      ['model.layers.1.mlp', 1, 1],
      ['model.layers.1', 1, 1],
      ['model.norm', 1, 1],
      ['model', 2, 1],
      ['logits_processor', 2, 1],
    ])
    const { pass, layers: compared } = compareLayers(...([BUILD, GOLDEN] as const), { step: 2, dtype: 'bf16' })
    expect(pass).toBe(true)
    expect(compared.length).toBe(10)
  })
})

/** A folder with files of logits, and of what else is named. */
function folder(files: Files): string {
  return writeTree(files)
}

const logits = pth({ values: [1, 2, 3, 4] })
const ids = (...values: number[]) => pth({ values, shape: [values.length], dtype: 'int64' })

describe('which values are the logits', () => {
  const layerOf = (names: readonly string[], layer?: string) => {
    const path = folder(Object.fromEntries(names.map((name, i) => [file(0, name, 0, i), logits])))
    return loadDump(path, layer === undefined ? {} : { layer }).steps.at(0)!.layer
  }

  test.each([
    [['hidden', 'next_token_logits'], 'next_token_logits'],
    [['grad__logits', 'logits'], 'logits'],
    [['non_intrusive__model.output', 'non_intrusive__lm_head.output'], 'non_intrusive__lm_head.output'],
    [['non_intrusive__lm_head.inputs.0', 'non_intrusive__lm_head.output'], 'non_intrusive__lm_head.output'],
    [
      ['non_intrusive__logits_processor.output.next_token_logits', 'non_intrusive__output.next_token_logits'],
      'non_intrusive__output.next_token_logits',
    ],
    [['non_intrusive__bert.output.dense.output', 'full_logits'], 'full_logits'],
  ])('of %j', (names, layer) => {
    expect(layerOf(names)).toBe(layer)
  })

  test('the option layer chooses', () => {
    expect(layerOf(['a_logits', 'b_logits'], 'b_logits')).toBe('b_logits')
    expect(layerOf(['a_logits', 'scores'], 'scores')).toBe('scores')
  })

  test.each([
    [
      ['a_logits', 'b_logits'],
      undefined,
      "2 of them are names of logits (a_logits, b_logits); choose one with the option layer: 'a_logits'",
    ],
    [
      ['input_ids', 'hidden'],
      undefined,
      '0 of them are names of logits (input_ids, hidden); name the logits with the option layer, or dump them',
    ],
    [['a_logits'], 'x', "0 of them are named 'x' (a_logits)"],
  ])('%j, layer %s: it is asked for', (names, layer, text) => {
    expect(() => layerOf(names, layer)).toThrow(text)
  })
})

describe('ranks', () => {
  test('in numeric order; a rank without logits is left out', () => {
    const path = folder({
      [file(0, 'logits', 10)]: logits,
      [file(0, 'logits', 9)]: logits,
      [file(0, 'hidden', 2)]: logits,
    })
    const dump = loadDump(path)
    expect(stepsOf(dump, path)).toEqual({ 0: [file(0, 'logits', 9), file(0, 'logits', 10)] })
    expect(dump.notes.map(({ text }) => text)).toEqual(['without logits, and left out: rank 2'])
    expect(stepsOf(loadDump(path, { ranks: 1 }), path)).toEqual({ 0: [file(0, 'logits', 10)] })
    expectRefusal(
      () => loadDump(path, { ranks: 2 }),
      'invalid-argument',
      'asks for rank 2, but its 2 ranks are numbered from 0 to 1',
      path,
    )
  })

  test('that lack a pass, or hold two values of one, are unreadable there', () => {
    const path = folder({
      [file(0, 'logits', 0)]: logits,
      [file(0, 'logits', 1)]: logits,
      [file(1, 'logits', 0)]: logits,
      [file(2, 'logits', 0, 5)]: logits,
      [file(2, 'logits', 0, 6)]: logits,
      [file(2, 'logits', 1)]: logits,
      [file(2, 'logits', 1, 9).replace('disabled', 'recompute')]: logits,
    })
    expect(stepsOf(loadDump(path), path)).toEqual({
      0: [file(0, 'logits', 0), file(0, 'logits', 1)],
      1: { problem: 'no logits of rank 1, unlike the others' },
      2: { problem: 'several logits of rank 0 in one forward pass (dump_index 5 and 6)' },
    })
  })
})

describe('forward passes', () => {
  const run = (passes: readonly { ids?: number[]; at?: number[] }[], options = {}) => {
    const files = passes.flatMap(({ ids: read, at }, pass): [string, Uint8Array][] => [
      [file(pass, 'logits'), logits],
      ...(read ? [[file(pass, 'input_ids'), ids(...read)] as [string, Uint8Array]] : []),
      ...(at ? [[file(pass, 'positions'), ids(...at)] as [string, Uint8Array]] : []),
    ])
    const { steps, notes, tokenIds, ids: facts } = loadDump(folder(Object.fromEntries(files)), options)
    const numbers = [...steps].map(({ step, files }) => [step, Number(/step=(\d+)/.exec(files[0]!)![1])])
    return {
      numbers,
      notes: notes.map(({ text }) => text),
      tokenIds: tokenIds?.get('input_ids'),
      chosen: facts?.chosen,
    }
  }

  test('the run begins where a prompt of one token does, by its position', () => {
    const passes = [
      { ids: [7, 8], at: [0, 1] },
      { ids: [9], at: [0] },
      { ids: [4], at: [1] },
    ]
    const { numbers, notes, tokenIds, chosen } = run(passes)
    expect({ numbers, tokenIds, chosen }).toEqual({
      numbers: [
        [0, 1],
        [1, 2],
      ],
      tokenIds: [9, 4],
      chosen: [4],
    })
    expect(notes).toEqual([
      expect.stringContaining('begin at forward pass 1, the last that reads a prompt from its start'),
    ])
  })

  test('an earlier run, by its number', () => {
    const passes = [{ ids: [7, 8] }, { ids: [4] }, { ids: [9, 9] }]
    const { numbers, notes } = run(passes, { prefill: 0, firstStep: 3 })
    expect(numbers).toEqual([
      [3, 0],
      [4, 1],
    ])
    expect(notes).toEqual(['prefill: 0: the run begins at forward pass 0; forward passes outside the run: 1 after it'])
  })

  test('chunks of a prompt: the last one is token 0 if the option prefill says so', () => {
    const passes = [
      { ids: [7, 8], at: [0, 1] },
      { ids: [9, 5], at: [2, 3] },
      { ids: [4], at: [4] },
    ]
    expect(run(passes).notes).toEqual([
      expect.stringMatching(
        /^forward pass 1 reads several tokens .*prefill: 0; if it reads a chunk of the prompt, prefill: 1$/,
      ),
    ])
    const { numbers, notes, tokenIds } = run(passes, { prefill: 1 })
    expect({ numbers, tokenIds }).toEqual({
      numbers: [
        [0, 1],
        [1, 2],
      ],
      tokenIds: undefined,
    })
    expect(notes).toEqual(['prefill: 1: the run begins at forward pass 1; forward passes outside the run: 1 before it'])
  })

  test('several prompts in one pass have no ids, and no guess about chunks', () => {
    const { notes, tokenIds } = run([
      { ids: [7, 8, 9], at: [0, 1, 0] },
      { ids: [4, 5], at: [2, 1] },
    ])
    expect({ notes, tokenIds }).toEqual({ notes: [], tokenIds: undefined })
  })

  test('inputs that cannot be read are as if they were not there', () => {
    const path = folder({
      [file(0, 'logits')]: logits,
      [file(0, 'input_ids')]: 'no tensor',
      [file(0, 'positions')]: logits,
    })
    expect(loadDump(path).tokenIds).toBeUndefined()
  })

  test('what the option prefill cannot name is refused', () => {
    expect(() => run([{}, {}], { prefill: 5 })).toThrow(
      'the option prefill: 5 names a forward pass without logits; there are logits of 0, 1',
    )
    expect(() => run(Array(9).fill({}), { prefill: 9 })).toThrow(
      'there are logits of 0, 1, 2, 3, 4, 5, 6, 7 and 1 more',
    )
    expect(() => run([{}, {}], { prefill: 'last' })).toThrow(
      "'last' needs the inputs of each forward pass (input_ids, positions)",
    )
  })
})

describe('names of files', () => {
  test.each([
    ['forward_pass_id=0___rank=0___name=logits___dump_index=1.pt'],
    ['name=logits___curr_step=0___rank=0___dump_index=1.pt'],
    ['step=0___rank=0___dump_index=1___name=logits___tp_rank=0.pt'],
  ])('%s', (name) => {
    expect(loadDump(folder({ [name]: logits })).layout).toBe('sglang')
  })

  test.each([
    ['rank=0___dump_index=1___name=logits.pt'],
    ['step=0___dump_index=1___name=logits.pt'],
    ['step=0___rank=0___name=logits.pt'],
    ['step=0___rank=0___dump_index=1___x=y.pt'],
    ['step=0___rank=0___dump_index=1___name=.pt'],
    ['step=x___rank=0___dump_index=1___name=logits.pt'],
    ['step=0___rank=0___dump_index=1___name=logits___.pt'],
    ['step=0___rank=0___dump_index=1___name=logits.npy'],
  ])('%s is none', (name) => {
    expect(() => loadDump(folder({ [name]: logits }))).toThrow(/no dump|not part of a dump|nothing|contains/)
  })
})

test('several experiments are refused with a list', () => {
  const path = folder({ [`dump_1/${file(0)}`]: logits, [`dump_2/${file(0)}`]: logits, 'dump_3/notes.txt': '' })
  const text = "holds 2 runs: dump_1, dump_2; choose one with the option run: 'dump_1'"
  expectRefusal(() => loadDump(path), 'ambiguous-run', text, path)
  const dump = loadDump(path, { run: 'dump_2' })
  expect(stepsOf(dump, path)).toEqual({ 0: [`dump_2/${file(0)}`] })
  expect(dump.notes.map(({ text }) => text)).toEqual([
    expect.stringContaining('run dump_2 is compared (option run); 1 other'),
  ])
  expectRefusal(() => loadDump(path, { run: 'x' }), 'invalid-argument', "the option run: 'x' names none of them", path)
})

test('values that were dumped by hand are layers, too', () => {
  const path = folder({
    [file(0, 'logits', 0, 9)]: logits,
    [file(0, 'input_ids', 0, 1)]: ids(5),
    [file(0, 'attn_out', 0, 3).replace('.pt', '___layer_id=0.pt')]: logits,
    [file(0, 'attn_out', 0, 4).replace('.pt', '___layer_id=1.pt')]: logits,
    [file(0, 'grad__attn_out', 0, 5)]: logits,
    [file(0, 'other_rank', 1, 5)]: logits,
    [file(1, 'other_pass', 0, 12)]: logits,
  })
  const { layers, ignored } = layersOf(loadDump(path), 0)
  expect(layers.map(({ name }) => name)).toEqual(['layers.0.attn_out', 'layers.1.attn_out', 'logits'])
  expect(ignored.length).toBe(2)
})
