import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { compareLayers } from '../../src/compare/layers/compare-layers.js'
import { layersOf } from '../../src/dumps/layers/index.js'
import { loadDump } from '../../src/dumps/load.js'
import { writeTree } from '../build/tree.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { ignoredOf, stepsOf } from './steps.js'

const FIXTURES = resolve(import.meta.dirname, '../fixtures/transformers')
const path = (name: string) => join(FIXTURES, name)
const LOGITS = 'LlamaForCausalLM_outputs_logits.safetensors'

/** A folder with empty files. */
const folder = (...names: string[]) => writeTree(Object.fromEntries(names.map((name) => [name, ''])))

/** A copy of a folder of the debugger, to be changed. */
function copyOf(name: string): string {
  const copy = writeTree({})
  cpSync(path(name), copy, { recursive: true })
  return copy
}

describe('folders of the real debugger', () => {
  test('hold the logits that the model returned: the last position is the token', () => {
    const dump = loadDump(path('golden'))
    expect(dump).toMatchObject({ layout: 'transformers', named: 'folder', notes: [], promptStep: 0 })
    expect(stepsOf(dump, path('golden'))).toEqual({ 0: [LOGITS] })
    expect([...dump.ignored]).toEqual([])
    const last = loadDump(path('logits.npy'), { positions: 'last' })
    const { pass, tokens } = compareDumps(dump, last, { dtype: 'fp32', identical: 'allow' })
    expect({ pass, kl: tokens.map(({ metrics }) => metrics!.klDivergence) }).toEqual({ pass: true, kl: [0] })
    const all = loadDump(path('logits.npy'), { positions: 'all' })
    const positions = compareDumps(loadDump(path('golden'), { positions: 'all' }), all, {
      dtype: 'fp32',
      identical: 'allow',
    })
    expect(positions.tokens.map(({ metrics }) => metrics!.klDivergence)).toEqual(Array(8).fill(0))
  })

  test('hold the prompt, which must be the same on both sides', () => {
    expect(loadDump(path('golden')).tokenIds).toEqual(new Map([['input_ids', [1, 17, 5, 40, 3, 22, 9, 9]]]))
    expect(compareDumps(path('build'), path('golden'), { dtype: 'bf16' })).toMatchObject({ pass: true })
    const other = copyOf('build')
    const ids = 'LlamaForCausalLM_inputs_kwargs_input_ids.safetensors'
    const bytes = readFileSync(join(other, ids))
    bytes.writeBigInt64LE(33n, bytes.length - 16)
    writeFileSync(join(other, ids), bytes)
    const text = 'the two sides read different tokens: at position 6 of input_ids the golden'
    expectRefusal(() => compareDumps(other, path('golden')), 'nothing-to-compare', text, other)
  })

  test('of generate hold the last forward pass, whose number is not known', () => {
    const dump = loadDump(path('generate'))
    expect(dump.notes.map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^the debugger keeps the last forward pass alone.*set loadDump's option firstStep: 0, or the number/,
      ),
    ])
    expect(dump.tokenIds).toBeUndefined()
    const second = loadDump(path('generate'), { firstStep: 2 })
    expect(second.notes).toEqual([])
    const rows = loadDump(path('generate.npy'), { firstStep: 2 })
    const { pass, tokens } = compareDumps(second, rows, { dtype: 'fp32', identical: 'allow' })
    expect({ pass, steps: tokens.map(({ step }) => step) }).toEqual({ pass: true, steps: [2] })
  })

  test('of texts are refused with the setting to use', () => {
    const text =
      'holds texts of tensors and no tensors: dump again with model_addition_debugger_context(model, debug_path=…, use_repr=False)'
    expectRefusal(() => loadDump(path('texts')), 'nothing-to-compare', text, path('texts'))
  })

  test('hold the innermost modules as layers, in the order of the tree of calls', () => {
    const { layers, order } = layersOf(loadDump(path('golden')), 0)
    expect(order).toBe('recorded')
    const inside = [
      'input_layernorm',
      'self_attn.q_proj',
      'self_attn.k_proj',
      'self_attn.v_proj',
      'self_attn.o_proj',
      'post_attention_layernorm',
      'mlp.gate_proj',
      'mlp.act_fn',
      'mlp.up_proj',
      'mlp.down_proj',
    ]
    expect(layers.map(({ name }) => name)).toEqual([
      'model.embed_tokens',
      'model.rotary_emb',
      ...[0, 1].flatMap((layer) => inside.map((name) => `model.layers.${layer}.${name}`)),
      'model.norm',
      'lm_head',
    ])
    expect(layers.map(({ inputs, outputs }) => `${inputs.length} ${outputs.length}`).join()).toMatch(
      /^1 1,2 2,(1 1,)+1 1$/,
    )
    const { pass, layers: compared, counts } = compareLayers(path('build'), path('golden'), { step: 0, dtype: 'bf16' })
    expect({ pass, compared: compared.length, counts }).toMatchObject({
      pass: true,
      compared: 24,
      counts: { failed: 0 },
    })
  })

  test('whose tree was pruned, or is no JSON, have their layers in the order of their names', () => {
    const copy = copyOf('golden')
    const file = join(copy, 'LlamaForCausalLM_debug_tree_FULL_TENSORS.json')
    const tree = JSON.parse(readFileSync(file, 'utf8'))
    tree.children[0].children.splice(2, 1)
    writeFileSync(file, JSON.stringify(tree))
    const recorded = layersOf(loadDump(path('golden')), 0).layers.map(({ name }) => name)
    const pruned = layersOf(loadDump(copy), 0)
    expect(pruned.order).toBe('by name')
    expect(pruned.layers.map(({ name }) => name)).toEqual(recorded)
    writeFileSync(file, '{"module_path": ')
    expect(layersOf(loadDump(copy), 0).order).toBe('by name')
  })
})

describe('which tensor holds the logits', () => {
  const TREE = 'A_debug_tree_SUMMARY.json'

  test.each<[names: string[], layer: string | undefined, found: string]>([
    [['A_outputs_logits.safetensors', 'A.lm_head_outputs.safetensors'], undefined, 'A_outputs_logits.safetensors'],
    [['A_outputs_0.safetensors', 'A.lm_head_outputs.safetensors'], undefined, 'A.lm_head_outputs.safetensors'],
    [
      ['A_outputs_logits.safetensors', 'A.model.norm_outputs.safetensors'],
      'model.norm',
      'A.model.norm_outputs.safetensors',
    ],
    [['A.score_outputs_0.safetensors', 'A.score_outputs_1.safetensors'], 'A.score', 'A.score_outputs_0.safetensors'],
  ])('of %j with the option layer %s', (names, layer, found) => {
    const root = folder(TREE, ...names)
    expect(stepsOf(loadDump(root, layer === undefined ? {} : { layer }), root)).toEqual({ 0: [found] })
  })

  test('nothing shows it: the option layer is asked for', () => {
    const root = folder(TREE, 'A_outputs_last_hidden_state.safetensors', 'A.norm_outputs.safetensors')
    const text = 'the model returned no logits, and 0 modules with an output are named like an LM head (of 2: '
    expectRefusal(() => loadDump(root), 'ambiguous-layer', text, root)
    expectRefusal(
      () => loadDump(root, { layer: 'x' }),
      'ambiguous-layer',
      "0 modules with an output are named 'x'",
      root,
    )
    const two = folder(TREE, 'A.a.lm_head_outputs.safetensors', 'A.b.lm_head_outputs.safetensors')
    expectRefusal(
      () => loadDump(two),
      'ambiguous-layer',
      '2 modules with an output are named like an LM head (of 2: a.lm_head, b.lm_head…)',
      two,
    )
  })
})

test('several models are refused with a list, and the option run takes one', () => {
  const root = folder(
    'A2_debug_tree_FULL_TENSORS.json',
    'A3_debug_tree_FULL_TENSORS.json',
    'A3_outputs_logits.safetensors',
  )
  expectRefusal(
    () => loadDump(root),
    'ambiguous-run',
    "holds 2 models: A2, A3; choose one with the option run: 'A2'",
    root,
  )
  expectRefusal(() => loadDump(root, { run: 'B' }), 'invalid-argument', "the option run: 'B' names none of them", root)
  const dump = loadDump(root, { run: 'A3' })
  expect(stepsOf(dump, root)).toEqual({ 0: ['A3_outputs_logits.safetensors'] })
  expect(dump.notes.map(({ text }) => text)).toEqual(['run A3 is compared (option run); 1 other run is ignored'])
})

test('other files are listed as ignored; ranks but the first are refused', () => {
  const root = folder(
    'A_debug_tree_SUMMARY.json',
    'A_outputs_logits.safetensors',
    'B_outputs_logits.safetensors',
    'notes.txt',
  )
  expect(ignoredOf(loadDump(root, { ranks: 0 }), root)).toEqual([
    'B_outputs_logits.safetensors: not part of a dump',
    'notes.txt: not part of a dump',
  ])
  const text = 'the option ranks asks for rank 1, but the debugger writes rank 0 alone; leave it out'
  expectRefusal(() => loadDump(root, { ranks: 1 }), 'invalid-argument', text, root)
})

test('input ids that cannot be read, or are no ids, are as if they were not there', () => {
  for (const name of ['LlamaForCausalLM.model.norm_outputs.safetensors', undefined]) {
    const copy = copyOf('golden')
    const ids = join(copy, 'LlamaForCausalLM_inputs_kwargs_input_ids.safetensors')
    rmSync(ids)
    if (name === undefined) writeFileSync(ids, 'no tensor')
    else cpSync(join(copy, name), ids)
    expect(loadDump(copy)).toMatchObject({ notes: [], layout: 'transformers' })
    expect(loadDump(copy).tokenIds).toBeUndefined()
  }
})
