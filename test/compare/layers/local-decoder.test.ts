import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareLayers } from '../../../src/compare/layers/compare-layers.js'
import type { LayersComparison } from '../../../src/compare/layers/types.js'
import { toMatchGoldenLayers } from '../../../src/matchers.js'
import { layersDump, type Module } from '../../build/layers.js'

// Written by scripts/fixtures/make_checkpoint.py: a decoder layer of PyTorch.
const FIXTURE = resolve(import.meta.dirname, '../../fixtures/checkpoint/decoder.json')

type Run = 'golden' | 'dump' | 'groups' | 'mask'
type Tensors = Record<'input' | 'output', string>
const stored = JSON.parse(readFileSync(FIXTURE, 'utf8')) as { cos: string; sin: string } & Record<
  Run,
  Record<string, Tensors>
>

function floats(hex: string): number[] {
  return [...new Float32Array(Uint8Array.from(Buffer.from(hex, 'hex')).buffer)]
}

const PLACES: Readonly<Record<string, string>> = {
  q_proj: '.self_attn.q_proj',
  k_proj: '.self_attn.k_proj',
  v_proj: '.self_attn.v_proj',
  o_proj: '.self_attn.o_proj',
  self_attn: '.self_attn',
  gate_proj: '.mlp.gate_proj',
  act_fn: '.mlp.act_fn',
  up_proj: '.mlp.up_proj',
  down_proj: '.mlp.down_proj',
  mlp: '.mlp',
  layer: '',
}

type Change = (value: number, at: string, i: number) => number

/** @param change of each value, by its module and `input` or `output` */
function modules(run: Run, change: Change = (value) => value, length = 6): Module[] {
  const tensor = (name: string, kind: 'input' | 'output') => {
    const values = floats(stored[run][name]![kind]).map((value, i) => change(value, `${name} ${kind}`, i))
    const width = values.length / 6
    return { values: values.slice((6 - length) * width), shape: [1, length, width] }
  }
  const angles = [stored.cos, stored.sin].map((hex) => ({
    values: floats(hex).slice((6 - length) * 4),
    shape: [1, length, 4],
  }))
  const layers = Object.entries(PLACES).map(([name, place]) => ({
    name: `root.layers.0${place}`,
    type: 'Module',
    output: tensor(name, 'output'),
    inputs: [tensor(name, 'input'), ...(name === 'self_attn' ? angles : [])],
  }))
  // A dump has a head.
  return [...layers, { name: 'root.lm_head', output: tensor('layer', 'output'), inputs: [tensor('layer', 'output')] }]
}

const golden = layersDump(modules('golden'))
const options = { step: 0, dtype: 'bf16' } as const
const compare = (dump: Module[], other = golden) => compareLayers(layersDump(dump), other, options)

function named({ finding, layers }: LayersComparison): string {
  if (finding.kind !== 'layer') return finding.kind
  return `${layers[finding.index]!.golden!.name} by ${finding.rule}`
}

/** Multiplies what a module reads or writes. */
const times = (place: string, factor: number): Change => {
  return (value, at) => (at === place ? value * factor : value)
}

describe('a decoder layer', () => {
  test('agrees with PyTorch', () => {
    const { layers, pass, notes } = compare(modules('dump'))
    expect(pass).toBe(true)
    const locals = layers.filter(({ local }) => local)
    expect(locals.map(({ golden, local }) => [golden!.name, local!.formula])).toEqual([
      ['root.layers.0.self_attn', 'causal attention over the queries, keys and values of this pass'],
      ['root.layers.0.mlp.act_fn', 'SiLU'],
      ['root.layers.0.mlp', 'act_fn times up_proj, through its last module'],
      ['root.layers.0', 'its input plus self_attn plus mlp'],
    ])
    for (const { local, golden } of locals) {
      expect(local!.golden, golden!.name).toBeLessThan(2e-6)
      expect(local!.dump, golden!.name).toBeLessThan(0.006)
    }
    expect(notes.join()).not.toContain('local')
  })

  test.each(['mask', 'groups'] as const)('names the attention with a fault of its %s', (run) => {
    expect(named(compare(modules(run)))).toBe('root.layers.0.self_attn by local')
  })

  test('names an attention of which the result is 5 % too large, not 1 %', () => {
    expect(named(compare(modules('dump', times('o_proj input', 1.05))))).toBe('root.layers.0.self_attn by local')
    expect(named(compare(modules('dump', times('o_proj input', 1.01))))).toBe('none')
  })

  test.each([
    ['down_proj input', 'root.layers.0.mlp by local'],
    ['mlp output', 'root.layers.0.mlp by local'],
    ['layer output', 'root.layers.0 by local'],
    ['act_fn output', 'root.layers.0.mlp.act_fn by local'],
  ])('names a module of which the %s is 2 %% too large: %s; not 0.2 %%', (place, name) => {
    expect(named(compare(modules('dump', times(place, 1.02))))).toBe(name)
    expect(named(compare(modules('dump', times(place, 1.002))))).toBe('none')
  })

  test.each([
    { q_proj: 'q', k_proj: 'k', v_proj: 'v', o_proj: 'o', up_proj: 'up', down_proj: 'down' },
    { q_proj: 'wq', k_proj: 'wk', v_proj: 'wv', o_proj: 'wo', up_proj: 'w3', down_proj: 'w2' },
    { q_proj: 'query', k_proj: 'key', v_proj: 'value', o_proj: 'c_proj', up_proj: 'up', down_proj: 'c_proj' },
  ])('is computed with projections of these names: $q_proj, $o_proj, $up_proj, $down_proj', (names) => {
    const renamed = (all: Module[]) =>
      all.map((module) => ({ ...module, name: module.name.replace(/[a-z]+_proj$/, (n) => names[n as 'q_proj'] ?? n) }))
    const ours = layersDump(renamed(modules('golden')))
    const verdict = (change?: Change) => named(compare(renamed(modules('dump', change)), ours))
    expect(verdict()).toBe('none')
    expect(verdict(times('o_proj input', 1.05))).toBe('root.layers.0.self_attn by local')
    expect(verdict(times('mlp output', 1.02))).toBe('root.layers.0.mlp by local')
  })

  test('names a decoder layer without its residual', () => {
    const input = floats(stored.dump.layer!.input)
    const without: Change = (value, at, i) => (at === 'layer output' ? value - input[i]! : value)
    const dump = layersDump(modules('dump', without))
    const { message } = toMatchGoldenLayers.call({ isNot: false } as never, dump, golden, options)
    expect(message()).toContain('First layer that diverges: root.layers.0 ')
    expect(message()).toMatch(
      /rule {16}local: its output is \d\.\d+ from its input plus self_attn plus mlp, over 0\.00781 \(bf16\)/,
    )
  })

  test('that returns the residual apart is compared by their sum, and not judged by the first of the two', () => {
    const mlp = floats(stored.dump.mlp!.output)
    const dump = modules('dump').map((module) => {
      if (module.name !== 'root.layers.0') return module
      const residual = module.output.values.map((value, i) => value - mlp[i]!)
      return { ...module, output: { ...module.output, values: mlp }, residual: { ...module.output, values: residual } }
    })
    const { finding, layers } = compare(dump)
    expect(finding).toMatchObject({ kind: 'none' })
    const layer = layers.find(({ golden }) => golden?.name === 'root.layers.0')!
    expect(layer.reason).toContain('the sum of its first two outputs')
    expect(layer.local).toBeUndefined()
  })

  test('without the earlier keys is not judged, and a note says so', () => {
    const other = layersDump(modules('golden', (value) => value, 2))
    const { finding, notes } = compare(modules('dump', times('o_proj input', 1.5), 2), other)
    expect(finding).toMatchObject({ kind: 'none' })
    expect(notes.find((note) => note.includes('golden itself'))).toMatch(
      /^the rule local does not judge 1 layer, .*: root\.layers\.0\.self_attn is \d\.?\d* from causal attention/,
    )
  })
})
