import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareLayers } from '../../src/compare/layers/compare-layers.js'
import { layersOf } from '../../src/dumps/layers/index.js'
import { loadDump } from '../../src/dumps/load.js'
import { pth } from '../build/logits.js'
import { type Files, writeTree } from '../build/tree.js'

const FIXTURES = join(import.meta.dirname, '../fixtures/msprobe')
const fixture = (name: string) => join(FIXTURES, name)

describe('dumps of the real msprobe', () => {
  test('hold the layers that the collector sees, with inputs and types, in the order in which they ended', () => {
    const { layers, finding, counts, notes, pass } = compareLayers(fixture('layers'), fixture('layers-torch'), {
      step: 1,
    })
    expect(counts).toEqual({ total: 16, compared: 16, unpaired: 0, failed: 0 })
    expect({ pass, finding }).toEqual({ pass: true, finding: { kind: 'identical' } })
    expect(notes).toContain("layers are paired by name without 'root.' in the golden and '' in the dump")
    const names = layers.map(({ dump }) => dump!.name)
    expect(layersOf(loadDump(fixture('layers')), 1).layers.map(({ name }) => name)).toEqual(names)
    expect(names.slice(0, 7)).toEqual([
      'embed_tokens',
      'layers.0.input_layernorm',
      'layers.0.self_attn.q_proj',
      'layers.0.self_attn.k_proj',
      'layers.0.self_attn.v_proj',
      'layers.0.self_attn.o_proj',
      'layers.0.self_attn',
    ])
    expect(layers.map(({ golden, dump }) => golden!.type === dump!.type)).toEqual(Array(16).fill(true))
    expect(layers.map(({ measured }) => measured!.inputs.length + measured!.ids.length)).toEqual(Array(16).fill(1))
    expect(layers[0]!.measured!.output.shapes).toEqual([
      [1, 4, 8],
      [1, 4, 8],
    ])
  })

  test('of both forms have the same layers at each token', () => {
    for (const step of [0, 3]) {
      const { finding, counts } = compareLayers(fixture('steps'), fixture('one-step'), { step })
      expect(finding).toEqual({ kind: 'identical' })
      expect(counts.compared).toBe(2)
    }
    const { counts } = compareLayers(fixture('steps'), fixture('one-step'), { step: 1 })
    expect(counts.compared).toBe(2)
  })
})

describe('layers of msprobe', () => {
  const TENSORS = 'out/step0/proc7/dump_tensor_data'
  const row = pth({ values: [1, 2, 3] })
  /** Files of one process, each with the same tensor. */
  const dumpOf = (names: readonly string[], table?: string) => {
    const files: Record<string, Files[string]> = Object.fromEntries(names.map((name) => [`${TENSORS}/${name}.pt`, row]))
    return join(writeTree({ ...files, ...(table !== undefined && { 'out/step0/proc7/dump.json': table }) }), 'out')
  }
  const head = (call: number) => [
    `Module.lm_head.Linear.forward.${call}.input.0`,
    `Module.lm_head.Linear.forward.${call}.output.0`,
  ]
  const short = (path: string, step: number) => {
    const { layers, order, ignored } = layersOf(loadDump(path), step)
    const files = (paths: readonly string[]) => paths.map((file) => file.replace(/^.*forward\./, ''))
    return {
      layers: layers.map((one) => [one.name, one.type, files(one.inputs), files(one.outputs), one.problem]),
      order,
      ignored,
    }
  }

  test('the calls of a module that runs twice in each pass are distinguished, and functions are layers, too', () => {
    const names = [0, 1, 2, 3].flatMap((call) => [
      `Module.shared.Norm.forward.${call}.output.0`,
      `Functional.silu.${call}.forward.output.0`,
    ])
    const other = ['Module.shared.Norm.forward.3.parameters.weight', 'notes']
    const path = dumpOf([...names, ...head(0), ...head(1), ...other])
    expect(short(path, 1)).toEqual({
      layers: [
        ['Functional.silu', 'silu', [], ['output.0.pt'], undefined],
        ['Functional.silu@1', 'silu', [], ['output.0.pt'], undefined],
        ['shared', 'Norm', [], ['2.output.0.pt'], undefined],
        ['shared@1', 'Norm', [], ['3.output.0.pt'], undefined],
        ['lm_head', 'Linear', ['1.input.0.pt'], ['1.output.0.pt'], undefined],
      ],
      order: 'by name',
      ignored: ['Module.shared.Norm.forward.3.parameters.weight.pt', 'notes.pt'],
    })
  })

  test('a module with another number of calls than passes cannot be distinguished, and is listed', () => {
    const names = [0, 1, 2].map((call) => `Module.odd.Norm.forward.${call}.output.0`)
    const path = dumpOf([...names, ...head(0), ...head(1)])
    expect(short(path, 0).layers[0]).toEqual([
      'odd',
      'Norm',
      [],
      [],
      'it was called 3 times in 2 forward passes, so its calls cannot be distinguished',
    ])
    expect(compareLayers(path, path, { step: 0, dtype: 'bf16' })).toMatchObject({ pass: false, counts: { failed: 1 } })
  })

  test('the order is that of dump.json, if it lists every call', () => {
    const names = [
      'Module.b.Norm.forward.0.output.0',
      'Module.a.Mlp.forward.0.output.1',
      'Module.a.Mlp.forward.0.output.0',
    ]
    const keys = ['Module.b.Norm.forward.0', 'Module.a.Mlp.forward.0', 'Module.lm_head.Linear.forward.0']
    const table = (some: readonly string[]) =>
      JSON.stringify({ data: Object.fromEntries(some.map((key) => [key, {}])) })
    const orderOf = (text?: string) => {
      const { layers, order } = short(dumpOf([...names, ...head(0)], text), 0)
      return [order, ...layers.map(([name]) => name)]
    }
    expect(orderOf(table(keys))).toEqual(['recorded', 'b', 'a', 'lm_head'])
    expect(orderOf(`\ufeff${table(keys)}`)).toEqual(['recorded', 'b', 'a', 'lm_head'])
    // More values than any list of names of this size has: it is not parsed.
    const lists = 2 ** 23
    expect(orderOf(`{"lists": ${'['.repeat(lists)}${']'.repeat(lists)}, ${table(keys).slice(1)}`)).toEqual([
      'by name',
      'a',
      'b',
      'lm_head',
    ])
    for (const text of [undefined, table(keys.slice(1)), '{', 'null']) {
      expect(orderOf(text)).toEqual(['by name', 'a', 'b', 'lm_head'])
    }
    expect(short(dumpOf([...names, ...head(0)], table(keys)), 0).layers[1]).toEqual([
      'a',
      'Mlp',
      [],
      ['0.output.0.pt', '0.output.1.pt'],
      undefined,
    ])
  })

  test('ranks are joined as in other layouts', () => {
    const files = (rank: number) => ({
      [`out/step0/rank${rank}/dump.json`]: '{}',
      [`out/step0/rank${rank}/dump_tensor_data/Module.lm_head.Linear.forward.0.output.0.pt`]: pth({
        values: [rank, 2],
      }),
    })
    const { layers } = layersOf(loadDump(join(writeTree({ ...files(0), ...files(1) }), 'out')), 0)
    expect(layers).toHaveLength(1)
    expect(layers[0]!.ranks).toHaveLength(2)
  })
})
