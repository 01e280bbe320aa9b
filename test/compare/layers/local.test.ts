import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { compareLayers } from '../../../src/compare/layers/compare-layers.js'
import { climb } from '../../../src/compare/layers/ladder.js'
import type { RankedLayer } from '../../../src/compare/layers/types.js'
import { toMatchGoldenLayers } from '../../../src/matchers.js'
import { errorOf } from '../../build/error-of.js'
import { layersDump, type Module, model } from '../../build/layers.js'
import { writeTree } from '../../build/tree.js'

// Written by scripts/fixtures/make_checkpoint.py.
const FIXTURES = resolve(import.meta.dirname, '../../fixtures/checkpoint')
const checkpoint = join(FIXTURES, 'model.safetensors')

interface Stored {
  name: string
  type: string
  width: number[]
  out: number[]
  golden: { input: string; output: string }
  dump: { input: string; output: string }
}

const stored = JSON.parse(readFileSync(join(FIXTURES, 'layers.json'), 'utf8')) as Stored[]

function floats(hex: string): number[] {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
  return [...new Float32Array(bytes.buffer)]
}

type Change = (values: number[], name: string) => number[]

function modules(side: 'golden' | 'dump', change: Change = (values) => values): Module[] {
  return stored.map((layer) => ({
    name: `root.model.${layer.name}`,
    type: layer.type,
    output: { values: change(floats(layer[side].output), layer.name), shape: layer.out },
    inputs: [
      {
        values: floats(layer[side].input),
        shape: layer.width,
        ...(layer.type === 'Embedding' && { dtype: 'int64' as const }),
      },
    ],
  }))
}

const scale = (wanted: string, factor: number): Change => {
  return (values, name) => (name === wanted ? values.map((value) => value * factor) : values)
}

const golden = layersDump(modules('golden'))
const honest = layersDump(modules('dump'))
const options = { step: 0, dtype: 'bf16', checkpoint } as const

function textOf(dump: string, other: object = {}): string {
  return toMatchGoldenLayers.call({ isNot: false } as never, dump, golden, { ...options, ...other } as never).message()
}

describe('the rule local', () => {
  const weighted = ['linear', 'biased', 'rms_norm', 'one_norm', 'layer_norm', 'lm_head']
  const weightless = ['silu_act', 'gelu_act', 'tanh_act', 'relu_act', 'quick_act', 'relu2_act']

  test('agrees with PyTorch: its golden in float32, its dump but for rounding', () => {
    const { layers, pass } = compareLayers(honest, golden, options)
    expect(pass).toBe(true)
    for (const { golden: layer, local } of layers) {
      if (layer!.name === 'root.model.act_fn') continue
      expect(local!.golden, layer!.name).toBeLessThan(3e-6)
      expect(local!.dump, layer!.name).toBeLessThan(2 ** -8)
      // A lookup and ReLU do not round.
      const isExact = /embed_tokens|relu_act/.test(layer!.name)
      expect(local!.dump, layer!.name).toBeGreaterThan(isExact ? -1 : 2 ** -12)
    }
  })

  test.each([...weighted, ...weightless])('names %s if its output is 2 %% too large, not if it is 0.2 %%', (name) => {
    const text = textOf(layersDump(modules('dump', scale(name, 1.02))))
    expect(text).toContain(`First layer that diverges: root.model.${name} `)
    expect(text).toMatch(/rule {16}local: its output is 0\.0[12]\d* from .*, over 0\.00781 \(bf16\); the golden's is /)
    expect(compareLayers(layersDump(modules('dump', scale(name, 1.002))), golden, options).finding.kind).toBe('none')
  })

  test.each([...weightless, 'rms_norm'])('needs no checkpoint for %s', (name) => {
    const dump = layersDump(modules('dump', scale(name, 1.02)))
    const { finding, layers } = compareLayers(dump, golden, { step: 0, dtype: 'bf16' })
    expect(finding).toMatchObject({ kind: 'layer', rule: 'local' })
    expect('index' in finding && layers[finding.index]!.golden!.name).toBe(`root.model.${name}`)
  })

  test('says what it computed', () => {
    const formulas = compareLayers(honest, golden, options).layers.map(({ local }) => local!.formula)
    expect(formulas).toEqual([
      'the rows of its token ids in the checkpoint',
      'its input times model.linear.weight',
      'its input times model.biased.weight, plus model.biased.bias',
      'RMSNorm with model.rms_norm.weight',
      'RMSNorm with 1 + model.one_norm.weight',
      'LayerNorm with model.layer_norm.weight',
      'SiLU',
      'GELU',
      'GELU by tanh',
      'ReLU',
      'GELU by sigmoid',
      'squared ReLU',
      expect.any(String),
      'its input times model.embed_tokens.weight',
    ])
  })

  test('does not judge a layer whose golden does not agree, and says so', () => {
    const { finding, notes } = compareLayers(layersDump(modules('dump', scale('act_fn', 1.02))), golden, options)
    expect(finding.kind).toBe('none')
    expect(notes).toContainEqual('the rule local judged 13 layers by the checkpoint and their own inputs')
    expect(notes.find((note) => note.includes('golden itself'))).toMatch(
      /^the rule local does not judge 1 layer, in which the golden itself does not agree with the formula: root\.model\.act_fn is 0\.\d+ from /,
    )
  })

  test('is as fine as the precision', () => {
    // Not the golden's bits, or the rule exact would name it.
    const exact = (factor: number) =>
      layersDump(modules('golden', (values, name) => scale(name, name === 'linear' ? factor : 1.00001)(values, name)))
    const rule = (factor: number, dtype: 'fp16' | 'bf16') => {
      const { finding } = compareLayers(exact(factor), golden, { ...options, dtype })
      return 'rule' in finding && finding.rule === 'local'
    }
    expect([rule(1.002, 'fp16'), rule(1.0005, 'fp16'), rule(1.009, 'bf16'), rule(1.006, 'bf16')]).toEqual([
      true,
      false,
      true,
      false,
    ])
  })

  test('clears a layer that other rules would name', () => {
    const fault = layersDump(model(1, { 'root.layers.1.self_attn.o_proj': [0.05, 0.005] }))
    const { layers } = compareLayers(fault, layersDump(model(0)), { step: 0, dtype: 'bf16' })
    const ranked = (dump?: number) =>
      layers.map(({ golden, measured }): RankedLayer => {
        const isFault = dump !== undefined && golden!.name === 'root.layers.1.self_attn.o_proj'
        return { name: golden!.name, measured: measured!, ...(isFault && { local: { formula: '', golden: 0, dump } }) }
      })
    expect(climb(ranked(), 'bf16').finding).toMatchObject({ rule: 'amplification' })
    expect(climb(ranked(0.002), 'bf16').finding).toMatchObject({ kind: 'none' })
    expect(climb(ranked(0.005), 'bf16').finding).toMatchObject({ rule: 'amplification' })
    expect(climb(ranked(0.01), 'bf16').finding).toMatchObject({ rule: 'local' })
  })
})

describe('the option checkpoint', () => {
  const judged = (path: unknown) => {
    const { notes } = compareLayers(honest, golden, { ...options, checkpoint: path as string })
    return notes.find((note) => note.startsWith('the rule local judged'))
  }
  const ALL = 'the rule local judged 13 layers by the checkpoint and their own inputs'

  test('is a file, a URL, a folder, or a folder with an index', () => {
    const folder = writeTree({ 'config.json': '{}' })
    copyFileSync(checkpoint, join(folder, 'model-00001-of-00001.safetensors'))
    expect([judged(checkpoint), judged(pathToFileURL(checkpoint)), judged(folder)]).toEqual([ALL, ALL, ALL])
    // Another file of the same weights, which the index does not name.
    copyFileSync(checkpoint, join(folder, 'consolidated.safetensors'))
    const map = { weight_map: { 'model.linear.weight': 'model-00001-of-00001.safetensors' } }
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(map))
    expect(judged(folder)).toBe(ALL)
  })

  test('may have other prefixes than the modules', () => {
    const renamed = modules('dump').map((module) => ({
      ...module,
      name: module.name.replace('root.', 'root.wrapper.'),
    }))
    const other = modules('golden').map((module) => ({
      ...module,
      name: module.name.replace('root.', 'root.wrapper.'),
    }))
    const { notes } = compareLayers(layersDump(renamed), layersDump(other), options)
    expect(notes).toContainEqual(ALL)
  })

  test.each<[string, Record<string, string>, string, string]>([
    ['no file', {}, '/absent', 'there is no checkpoint'],
    ['another file', { 'a.bin': 'x' }, '/a.bin', 'it is another file; the option checkpoint takes a .safetensors file'],
    ['an empty folder', { 'a.bin': 'x' }, '', 'it holds none; the option checkpoint takes'],
    ['two indices', { 'a.safetensors.index.json': '{}', 'b.safetensors.index.json': '{}' }, '', 'it holds 2 indices'],
    ['an index that is no JSON', { 'a.safetensors.index.json': '{' }, '', 'no index of a checkpoint: expected'],
    ['an index without a map', { 'a.safetensors.index.json': 'null' }, '', 'no index of a checkpoint: expected'],
    ['an index of nothing', { 'a.safetensors.index.json': '{"weight_map":{}}' }, '', 'no index of a checkpoint'],
    ['a path in it', { 'a.safetensors.index.json': '{"weight_map":{"a":"../b.safetensors"}}' }, '', 'no index of a'],
    ['a number in it', { 'a.safetensors.index.json': '{"weight_map":{"a":3}}' }, '', 'no index of a checkpoint'],
    [
      'an absent shard',
      { 'a.safetensors.index.json': '{"weight_map":{"a":"b.safetensors"}}' },
      '',
      'there is no such file',
    ],
    ['no safetensors', { 'a.safetensors': 'not a checkpoint, but a text' }, '', 'a.safetensors'],
  ])('is refused with one error: %s', (_, files, path, message) => {
    const { code, message: text } = errorOf(() => judged(writeTree({ 'x.txt': '', ...files }) + path))
    expect(code).toBeDefined()
    expect(text).toContain(message)
    expect(text.split('\n').length).toBe(1)
  })

  test('is refused if two of its files hold one weight, or a file is cut short', () => {
    const folder = writeTree({ 'x.txt': '' })
    copyFileSync(checkpoint, join(folder, 'a.safetensors'))
    copyFileSync(checkpoint, join(folder, 'b.safetensors'))
    expect(errorOf(() => judged(folder)).message).toMatch(
      /b\.safetensors: the weight 'model\.\w+\.weight' is in a\.safetensors, too; give the file of one checkpoint$/,
    )
    mkdirSync(join(folder, 'cut'))
    writeFileSync(join(folder, 'cut/a.safetensors'), readFileSync(checkpoint).subarray(0, 5000))
    expect(errorOf(() => judged(join(folder, 'cut')))).toMatchObject({ code: 'bad-storage' })
  })

  test.each([3, '', null, ['a']])('must be a path: %j', (value) => {
    const error = errorOf(() => judged(value))
    expect(error).toMatchObject({ code: 'invalid-argument' })
    expect(error.message).toContain('checkpoint must be a non-empty string')
  })
})
