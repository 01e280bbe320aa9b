import { describe, expect, test } from 'vitest'
import { compareLayers } from '../../src/compare/layers/compare-layers.js'
import type { LayersOptions } from '../../src/compare/layers/types.js'
import { loadDump } from '../../src/index.js'
import type { MatcherContext } from '../../src/matchers/types.js'
import { type DumpOrPath, toMatchGoldenLayers, toMatchGoldenLogits } from '../../src/matchers.js'
import { errorOf } from '../build/error-of.js'
import { at, layersDump, type Module, model, operations, operationsDump, WIDTH } from '../build/layers.js'
import { torchDump } from '../build/pair.js'

type Options = Partial<LayersOptions<DumpOrPath>>

function call(dump: string, golden: string, options: Options = {}, isNot = false) {
  const all = { step: 0, dtype: 'bf16', ...options } as LayersOptions<DumpOrPath>
  return toMatchGoldenLayers.call({ isNot } as MatcherContext, dump, golden, all)
}

/** The first line behind the hint. */
function headOf(dump: string, golden: string, options: Options = {}): string {
  const { pass, message } = call(dump, golden, options)
  return `${pass ? 'pass' : 'fail'}: ${message().split('\n')[2]!.split('     ')[0]}`
}

const golden = layersDump(model(0))
const honest = layersDump(model(1))
const NONE = 'pass: No layer stands out: the error grows as rounding does'

describe('an honest run', () => {
  test('passes: its error grows as rounding does', () => {
    expect(headOf(honest, golden)).toBe(NONE)
    expect(headOf(honest, golden, { floor: layersDump(model(0.9)) })).toBe(NONE)
  })

  test('with the same bits passes', () => {
    expect(headOf(layersDump(model(0)), golden)).toBe(
      'pass: Every layer that was compared has the same bits on both sides',
    )
  })

  test('on one position passes, and the message says that one is a poor estimate', () => {
    const [one, other] = [layersDump(model(1, {}, 1)), layersDump(model(0, {}, 1))]
    expect(headOf(one, other)).toBe(NONE)
    expect(call(one, other).message()).toContain('only 1 position could be compared, which is a poor estimate')
  })

  test('in float32 has a warning, which the option dtype settles', () => {
    const warnings = (dtype?: 'fp32' | 'fp16') =>
      compareLayers(honest, golden, { step: 0, ...(dtype && { dtype }) }).warnings
    expect(warnings()).toEqual([
      "both sides hold float32, and are judged as if they were computed in it; if that is right, set the option dtype: 'fp32'; kernels that multiply in TF32 are judged by dtype: 'fp16'",
    ])
    expect([...warnings('fp32'), ...warnings('fp16')]).toEqual([])
  })

  test('lists the layers that stand out most, and no more than 40 lines', () => {
    const text = call(honest, golden).message()
    expect(text).toContain('  The layers that stand out most:\n    root.')
    expect(text.split('\n').length).toBeLessThan(40)
  })
})

describe('the first layer that diverges is named', () => {
  // The error of an output of 0.05 for an input of 0.005 is 6.7 times what others of its kind make of it: 0.0075.
  const fault = layersDump(model(1, { 'root.layers.1.self_attn.o_proj': [0.05, 0.005] }))

  test('by its amplification, if there is no floor', () => {
    const text = call(fault, golden).message()
    expect(text).toContain(
      'First layer that diverges: root.layers.1.self_attn.o_proj     (token 0; 31 layers: 31 compared',
    )
    expect(text).toContain(
      '  rule                amplification: its output error is 6.67 times what layers of its kind make',
    )
    expect(text).toContain('  error of output     0.05     relative Euclidean distance\n')
    expect(text).toContain('  error of input      0.005\n')
    expect(text).toContain('  positions           9 of 10 used')
    expect(text).toMatch(/ {2}golden {2}.*root\.layers\.1\.self_attn\.o_proj.output\.pth {2}float32 \[1, 10, 16\]/)
  })

  test('by the floor and its amplification together', () => {
    // 0.018 for 0.005 is 2.4 times its kind: too little without a floor, enough with one at 9 positions.
    const small = layersDump(model(1, { 'root.layers.1.self_attn.o_proj': [0.018, 0.005] }))
    expect(headOf(small, golden)).toBe(NONE)
    const text = call(small, golden, { floor: honest }).message()
    expect(text).toContain('First layer that diverges: root.layers.1.self_attn.o_proj')
    expect(text).toContain(
      "rule                floor: its output error is 2.4 times the floor's, its input error 1 times",
    )
  })

  test('an attention only if it exceeds wider limits: its positions share keys and values', () => {
    // 1.5 × 0.005 is what its kind makes of such an input, and the floor's error.
    const times = (factor: number) => layersDump(model(1, { 'root.layers.1.self_attn': [factor * 0.0075, 0.005] }))
    const name = 'fail: First layer that diverges: root.layers.1.self_attn'
    expect([headOf(times(7.5), golden), headOf(times(8.5), golden)]).toEqual([NONE, name])
    const floor = { floor: honest }
    expect([headOf(times(3.25), golden, floor), headOf(times(3.75), golden, floor)]).toEqual([NONE, name])
    // Below 8 positions, they are wider still.
    const few = (factor: number) => layersDump(model(1, { 'root.layers.1.self_attn': [factor * 0.0075, 0.005] }, 6))
    expect([headOf(few(8.5), layersDump(model(0, {}, 6))), headOf(few(9.5), layersDump(model(0, {}, 6)))]).toEqual([
      NONE,
      name,
    ])
  })

  test('no LM head at few positions: the error of honest logits varies eightfold', () => {
    const times = (factor: number, positions: number) =>
      layersDump(model(1, { 'root.lm_head': [factor * 0.0075, 0.005] }, positions))
    const at = (factor: number, positions: number) =>
      headOf(times(factor, positions), layersDump(model(0, {}, positions)), {
        floor: layersDump(model(1, {}, positions)),
      })
    const name = 'fail: First layer that diverges: root.lm_head'
    // An error that no rounding makes still fails.
    expect([at(8, 2), at(45, 2)]).toEqual([NONE, 'fail: The error is more than rounding, and no rule names a layer'])
    expect(at(8, 10)).toBe(name)
  })

  test('with a floor by its amplification, too, unless the floor amplifies as much', () => {
    const fault = layersDump(model(1, { 'root.layers.1.mlp': [0.03, 0.005] }))
    const floorAt = (error: number) => layersDump(model(1, { 'root.layers.1.mlp': [error, 0.005] }))
    // 4 times its kind; 1.9 times the first floor, 1.2 times the second.
    expect(headOf(fault, golden, { floor: floorAt(0.016) })).toBe('fail: First layer that diverges: root.layers.1.mlp')
    expect(call(fault, golden, { floor: floorAt(0.016) }).message()).toContain('rule                amplification')
    expect(headOf(fault, golden, { floor: floorAt(0.025) })).toBe(NONE)
  })

  test('not the layer behind it, whose input carries the error', () => {
    const inherited = {
      'root.layers.1.self_attn.o_proj': [0.05, 0.005],
      'root.layers.1.self_attn': [0.05, 0.005],
      'root.layers.1.mlp': [0.075, 0.05],
      'root.layers.2.mlp': [0.075, 0.05],
    } as const
    expect(headOf(layersDump(model(1, inherited)), golden)).toContain('root.layers.1.self_attn.o_proj')
  })

  test('not an honest layer before it that exceeds the limit barely', () => {
    // 0.023 for 0.003 is 5 times its kind; 0.9 for 0.007 is 86 times.
    const two = {
      'root.layers.0.self_attn.q_proj': [0.023, 0.003],
      'root.layers.2.self_attn.q_proj': [0.9, 0.007],
    } as const
    expect(headOf(layersDump(model(1, two)), golden)).toContain('root.layers.2.self_attn.q_proj')
    const one = { 'root.layers.0.self_attn.q_proj': [0.023, 0.003] } as const
    expect(headOf(layersDump(model(1, one)), golden)).toContain('root.layers.0.self_attn.q_proj')
  })

  test('an attention with another mask, which its inputs hold', () => {
    const mask = (hidden: number) => ({
      values: Array.from({ length: 100 }, (_, i) => (i % 10 > Math.floor(i / 10) || i === hidden ? -65504 : 0)),
      shape: [1, 1, 10, 10],
    })
    const masked = (modules: Module[], hidden: number) =>
      layersDump(
        modules.map((module) =>
          module.name.endsWith('self_attn') ? { ...module, inputs: [...module.inputs!, mask(hidden)] } : module,
        ),
      )
    const fault = model(1, { 'root.layers.1.self_attn': [0.3, 0.005] })
    const [right, floor] = [masked(model(0), -1), masked(model(1), -1)]
    expect(headOf(masked(fault, 70), right, { floor })).toBe('fail: First layer that diverges: root.layers.1.self_attn')
  })

  test('of projections side by side, the one that is furthest over the limit', () => {
    const both = {
      'root.layers.2.self_attn.q_proj': [0.06, 0.007],
      'root.layers.2.self_attn.k_proj': [0.2, 0.007],
    } as const
    expect(headOf(layersDump(model(1, both)), golden)).toBe(
      'fail: First layer that diverges: root.layers.2.self_attn.k_proj',
    )
  })

  test('an embedding with one wrong row, which a median hides', () => {
    const wrong = model(1)
    const { values } = wrong[0]!.output
    const scaled = values.map((value, i) => (Math.floor(i / WIDTH) === 4 ? value * 1.05 : value))
    wrong[0] = { ...wrong[0]!, output: { ...wrong[0]!.output, values: scaled } }
    expect(headOf(layersDump(wrong), golden)).toBe('fail: First layer that diverges: root.embed_tokens')
  })

  test('the layer that makes NaN of finite inputs', () => {
    const wrong = model(1).map((module): Module => {
      if (module.name !== 'root.layers.2.mlp') return module
      return { ...module, output: { ...module.output, values: module.output.values.with(3, Number.NaN) } }
    })
    const text = call(layersDump(wrong), golden).message()
    expect(text).toContain('First layer that diverges: root.layers.2.mlp')
    expect(text).toContain('rule                non-finite')
  })

  test('exactly, if all before it has the same bits', () => {
    const exact = layersDump(model(0, { 'root.layers.3.self_attn.q_proj': [0.001, 0] }))
    const text = call(exact, golden).message()
    expect(text).toContain('First layer that diverges: root.layers.3.self_attn.q_proj')
    expect(text).toContain('rule                exact: its inputs are equal bit by bit, and 160 of 160 elements')
  })

  test('no layer by a few elements that round otherwise, if little is equal', () => {
    // Only the first projection has equal inputs and outputs: 160 elements are no proof that the kernels round alike.
    const luck = { 'root.layers.0.input_layernorm': [0, 0.0015], 'root.layers.0.self_attn.q_proj': [0, 0] } as const
    const wrong = model(1, luck)
    const k = wrong.findIndex(({ name }) => name === 'root.layers.0.self_attn.k_proj')
    const zero = model(0)
    const values = zero[k]!.output.values
    const output = { ...zero[k]!.output, values: values.with(5, values[5]! * 1.01) }
    wrong[k] = { ...zero[k]!, output }
    expect(headOf(layersDump(wrong), golden)).toBe(NONE)
  })

  test('and .not passes', () => {
    expect(call(fault, golden, {}, true).pass).toBe(false)
  })
})

describe('layers that cannot be compared are listed', () => {
  const without = layersDump(model(1).filter(({ name }) => name !== 'root.layers.3.mlp'))

  test('a layer that the dump lacks fails, unless it may be left out', () => {
    const { pass, message } = call(without, golden)
    expect(pass).toBe(false)
    expect(message()).toContain('(token 0; 31 layers: 30 compared, 1 without a partner, 0 not comparable)')
    expect(message()).toContain('  only in the golden: root.layers.3.mlp')
    expect(message()).toContain("accept the rest with unpaired: 'allow'")
    expect(call(without, golden, { unpaired: 'allow' }).pass).toBe(true)
  })

  test('a layer of another shape', () => {
    const other = model(1).map((module) =>
      module.name === 'root.norm' ? { ...module, output: { values: [1, 2, 3], shape: [1, 1, 3] } } : module,
    )
    const { pass, message } = call(layersDump(other), golden)
    expect(pass).toBe(false)
    expect(message()).toContain('  shape-mismatch: root.norm: other shapes: golden [1, 10, 16], dump [1, 1, 3]')
  })

  test('names with another prefix are paired, and the message says so', () => {
    const renamed = model(1).map((module) => ({ ...module, name: module.name.replace('root.', 'root.model.') }))
    const { pass, message } = call(layersDump(renamed), golden)
    expect(message()).toContain("layers are paired by name without 'root.' in the golden and 'root.model.' in the dump")
    expect(pass).toBe(true)
  })

  test('the option mapping pairs layers that are called differently', () => {
    const renamed = layersDump(
      model(1).map((module) => (module.name === 'root.lm_head' ? { ...module, name: 'root.output_layer' } : module)),
    )
    expect(call(renamed, golden).pass).toBe(false)
    expect(call(renamed, golden, { mapping: { 'root.lm_head': 'root.output_layer' } }).pass).toBe(true)
  })

  test('the dump holds only the last positions of the head', () => {
    const last = model(1).map((module) => {
      if (module.name !== 'root.lm_head') return module
      return { ...module, output: { values: module.output.values.slice(-WIDTH), shape: [1, 1, WIDTH] } }
    })
    const { pass, message } = call(layersDump(last), golden)
    expect(message()).toContain('root.lm_head: one side holds 9 more positions (of the prompt); the last are compared')
    expect(pass).toBe(true)
  })
})

describe('what shows that both sides hold the same', () => {
  /** Two texts of five positions, the sequence first or the batch. */
  const inTwoTexts = (modules: readonly Module[], sequenceFirst: boolean) =>
    modules.map((module): Module => {
      const of = ({ values }: Module['output']) => {
        const rows = Array.from({ length: 10 }, (_, row) => values.slice(row * WIDTH, (row + 1) * WIDTH))
        const order = rows.map((_, i) => (sequenceFirst ? rows[(i % 2) * 5 + (i >> 1)]! : rows[i]!))
        return { values: order.flat(), shape: sequenceFirst ? [5, 2, WIDTH] : [2, 5, WIDTH] }
      }
      return { ...module, output: of(module.output), ...(module.inputs && { inputs: module.inputs.map(of) }) }
    })

  test('a sequence before the batch is recognised, and said', () => {
    const texts = layersDump(inTwoTexts(model(0), false))
    const { pass, message } = call(layersDump(inTwoTexts(model(1), true)), texts)
    expect(message()).toContain('31 layers: 31 compared, 0 without a partner, 0 not comparable')
    expect(message()).toContain(
      "batch and sequence are swapped in 31 layers: golden [2, 5, 16], dump [5, 2, 16] in root.embed_tokens; the positions are compared in the golden's order",
    )
    expect(pass).toBe(true)
    const fault = model(1, { 'root.layers.1.self_attn.o_proj': [0.05, 0.005] })
    expect(headOf(layersDump(inTwoTexts(fault, true)), texts)).toContain('diverges: root.layers.1.self_attn.o_proj')
  })

  test('without an embedding nothing shows that both read the same text, and the message says so', () => {
    const rest = (level: number) => layersDump(model(level).slice(1))
    const note = 'no embedding was compared, so nothing shows that both sides read the same text'
    expect(call(rest(1), rest(0)).message()).toContain(note)
    expect(call(honest, golden).message()).not.toContain(note)
  })

  test('a flattened batch is compared as it is', () => {
    const flat = inTwoTexts(model(1), false).map(({ inputs: _, ...module }) => {
      return { ...module, output: { ...module.output, shape: [10, WIDTH] } }
    })
    const { pass, message } = call(layersDump(flat), layersDump(inTwoTexts(model(0), false)))
    expect(message()).toContain('31 layers: 31 compared')
    expect(pass).toBe(true)
  })

  test('a last layer that was taken after the final norm is recognised, and said', () => {
    const postNorm = (level: number, errors = {}) => {
      const modules = model(level, errors)
      const norm = modules.find(({ name }) => name === 'root.norm')!
      return modules.map((module) => (module.name === 'root.layers.3' ? { ...module, output: norm.output } : module))
    }
    const inDump = call(layersDump(postNorm(1)), golden)
    expect(inDump.message()).toContain(
      "root.layers.3: the dump holds it after the final norm, as the last of transformers' hidden_states is: compared with root.norm of the golden",
    )
    expect(inDump.pass).toBe(true)
    const inGolden = call(honest, layersDump(postNorm(0)))
    expect(inGolden.message()).toContain(
      "root.layers.3: the golden holds it after the final norm, as the last of transformers' hidden_states is: compared with root.norm of the dump",
    )
    expect(inGolden.pass).toBe(true)
    // A last layer that is wrong, and no norm of the other side.
    const wrong = call(layersDump(model(1, { 'root.layers.3': [0.9, 0.009] })), golden)
    expect(wrong.message()).toContain('First layer that diverges: root.layers.3')
    expect(wrong.message()).not.toContain('final norm')
    expect(call(honest, golden).message()).not.toContain('final norm')
  })
})

describe('tensor-parallel ranks and fused projections', () => {
  /** The same modules on two ranks: heads and feed-forward outputs as columns, o_proj as partial sums, the rest equal. */
  const onTwoRanks = (modules: readonly Module[]) =>
    [0, 1].map((rank) =>
      modules.map((module): Module => {
        if (/[qk]_proj|lm_head/.test(module.name)) return { ...module, output: halfOf(module.output, rank) }
        if (!module.name.endsWith('o_proj')) return module
        const part = module.output.values.map((value, i) => (i % 3 === 0 ? value / 3 : i % 2 ? -value : 2 * value))
        const values = rank === 0 ? part : module.output.values.map((value, i) => value - part[i]!)
        return { ...module, output: { ...module.output, values } }
      }),
    )
  const halfOf = ({ values, shape }: Module['output'], half: number) => {
    const width = WIDTH / 2
    const rows = values.length / WIDTH
    const columns = Array.from({ length: rows }, (_, row) =>
      values.slice(row * WIDTH + half * width, row * WIDTH + (half + 1) * width),
    )
    return { values: columns.flat(), shape: [...shape!.slice(0, -1), width] }
  }
  const fault = model(1, { 'root.layers.1.self_attn.o_proj': [0.05, 0.005] })

  test('two ranks against one: each layer is compared, and the message says what was done', () => {
    const { pass, message } = call(layersDump(onTwoRanks(model(1))), golden)
    expect(message()).toContain('(token 0; 31 layers: 31 compared, 0 without a partner, 0 not comparable)')
    expect(message()).toContain(
      'the dump has 2 ranks: the outputs are equal on all ranks (18 layers); joined by columns (9 layers); added up as partial sums (4 layers)',
    )
    expect(pass).toBe(true)
    expect(headOf(layersDump(onTwoRanks(fault)), golden)).toBe(
      'fail: First layer that diverges: root.layers.1.self_attn.o_proj',
    )
    expect(headOf(golden, layersDump(onTwoRanks(model(0))))).toContain('pass: No layer stands out')
  })

  test('the option ranks takes one of them, which then has other shapes', () => {
    const dump = loadDump(layersDump(onTwoRanks(model(1))), { ranks: 1 })
    const { layers, counts } = compareLayers(dump, golden, { step: 0, dtype: 'bf16' })
    expect(counts).toMatchObject({ compared: 22, failed: 9 })
    expect(layers.find(({ verdict }) => verdict === 'shape-mismatch')!.reason).toBe(
      'other shapes: golden [1, 10, 16], dump [1, 10, 8]',
    )
  })

  test('a layer, or a file of it, that one rank lacks is not compared', () => {
    const [first, second] = onTwoRanks(model(1))
    const fewer = second!.filter(({ name }) => name !== 'root.layers.2.mlp')
    const { layers, pass } = compareLayers(layersDump([first!, fewer]), golden, { step: 0, dtype: 'bf16' })
    expect(pass).toBe(false)
    expect(layers.filter(({ verdict }) => verdict !== 'compared')).toMatchObject([
      { verdict: 'unreadable', reason: 'rank 1 of 2 has no such layer', golden: { name: 'root.layers.2.mlp' } },
    ])
    const bare = second!.map(({ inputs: _, ...module }) => module)
    expect(call(layersDump([first!, bare]), golden).message()).toContain(
      '30 of 31 layers have no input to compare: the output of the layer before is taken for it',
    )
  })

  test('a fused projection is paired with its parts, which are one layer', () => {
    const fused = fusedQk(model(1))
    const mapping = Object.fromEntries(
      [0, 1, 2, 3].map((i) => [
        `root.layers.${i}.self_attn.qk`,
        [`root.layers.${i}.self_attn.q_proj`, `root.layers.${i}.self_attn.k_proj`],
      ]),
    )
    const { pass, message } = call(layersDump(model(1)), layersDump(fusedQk(model(0))), { mapping })
    expect(message()).toContain('27 layers: 27 compared, 0 without a partner')
    expect(message()).toContain('the dump: the outputs are 2 parts joined by columns (4 layers)')
    expect(pass).toBe(true)
    const inverse = Object.fromEntries(
      Object.entries(mapping).flatMap(([name, parts]) => parts.map((part) => [part, name])),
    )
    expect(call(layersDump(fused), golden, { mapping: inverse, floor: honest }).message()).toContain('27 compared')
    const wrong = fusedQk(model(1, { 'root.layers.2.self_attn.k_proj': [0.3, 0.007] }))
    expect(headOf(layersDump(wrong), golden, { mapping: inverse })).toBe(
      'fail: First layer that diverges: root.layers.2.self_attn.q_proj+k_proj',
    )
  })

  test('a layer that agrees in no arrangement is read as others of its kind, and named', () => {
    const inverse = Object.fromEntries(
      [0, 1, 2, 3].flatMap((i) =>
        ['q', 'k'].map((p) => [`root.layers.${i}.self_attn.${p}_proj`, `root.layers.${i}.self_attn.qk`]),
      ),
    )
    const lost = (names: RegExp) =>
      fusedQk(model(1)).map((module) => {
        if (!names.test(module.name)) return module
        const values = module.output.values.map((_, i) => Math.sin(i * i + 3))
        return { ...module, output: { ...module.output, values } }
      })
    const one = call(layersDump(lost(/2\.self_attn\.qk/)), golden, { mapping: inverse })
    expect(one.message()).toContain(
      'First layer that diverges: root.layers.2.self_attn.q_proj+k_proj     (token 0; 27 layers: 27 compared',
    )
    const all = call(layersDump(lost(/qk$/)), golden, { mapping: inverse })
    expect(all.message()).toContain('23 compared, 0 without a partner, 4 not comparable')
    expect(all.message()).toContain('none agrees clearly with the other side')
    expect(all.pass).toBe(false)
  })

  test('qkv_proj and gate_up_proj find their parts by their names, and are listed if one is absent', () => {
    const named = (modules: readonly Module[], names: readonly string[]) => [
      ...modules,
      ...names.map((name, i): Module => ({ name: `root.extra.${name}`, output: at(0, 900 + i) })),
    ]
    const beside = (modules: readonly Module[], seeds: readonly number[], name: string): Module[] => {
      const parts = seeds.map((seed) => at(0, seed).values)
      const rows = Array.from({ length: 10 }, (_, r) => parts.flatMap((part) => part.slice(r * WIDTH, (r + 1) * WIDTH)))
      return [
        ...modules,
        { name: `root.extra.${name}`, output: { values: rows.flat(), shape: [1, 10, WIDTH * seeds.length] } },
      ]
    }
    const parts = layersDump(named(model(0), ['q_proj', 'k_proj', 'v_proj']))
    expect(call(layersDump(beside(model(1), [900, 901, 902], 'qkv_proj')), parts).message()).toContain(
      '32 compared, 0 without',
    )
    const gate = layersDump(named(model(0), ['gate_proj', 'up_proj']))
    expect(call(layersDump(beside(model(1), [900, 901], 'gate_up_proj')), gate).message()).toContain(
      '32 compared, 0 without',
    )
    const text = call(layersDump(beside(model(1), [900, 901, 902], 'qkv_proj')), gate).message()
    expect(text).toContain('31 compared, 3 without a partner')
    const other = call(layersDump(beside(model(1), [950, 951, 952], 'qkv_proj')), parts).message()
    expect(other).toContain('none agrees clearly with the other side')
  })

  /** q_proj and k_proj of each layer as one module. */
  function fusedQk(modules: readonly Module[]): Module[] {
    return modules.flatMap((module, i) => {
      if (module.name.endsWith('q_proj')) return []
      if (!module.name.endsWith('k_proj')) return [module]
      const [q, k] = [modules[i - 1]!.output.values, module.output.values]
      const rows = Array.from({ length: q.length / WIDTH }, (_, r) =>
        [q, k].flatMap((part) => part.slice(r * WIDTH, (r + 1) * WIDTH)),
      )
      const output = { values: rows.flat(), shape: [1, rows.length, 2 * WIDTH] }
      return [{ ...modules[i - 1]!, name: module.name.replace('k_proj', 'qk'), output }]
    })
  }
})

describe('no layer is named if the runs did not compute the same', () => {
  const ids = (values: number[]) => ({ values, shape: [1, 10], dtype: 'int64' as const })
  const withIds = (level: number, first: number) => {
    const [embedding, ...others] = model(level)
    return layersDump([{ ...embedding!, inputs: [ids([first, 2, 3, 4, 5, 6, 7, 8, 9, 10])] }, ...others])
  }

  test('they read other tokens', () => {
    const { pass, message } = call(withIds(1, 5), withIds(0, 1))
    expect(pass).toBe(false)
    expect(message()).toContain('The two sides cannot be compared layer by layer')
    expect(message()).toContain(
      'the inputs of root.embed_tokens differ in 1 of 10 token ids, so the runs read different texts',
    )
    expect(call(withIds(1, 1), withIds(0, 1)).pass).toBe(true)
  })

  test('a captured graph wrote one tensor for several layers', () => {
    const captured = model(1).map((module, _, all) =>
      module.name === 'root.layers.1.mlp'
        ? { ...module, output: all.find(({ name }) => name === 'root.layers.0.mlp')!.output }
        : module,
    )
    const { pass, message } = call(layersDump(captured), golden)
    expect(pass).toBe(false)
    expect(message()).toContain('the dump has the same bytes in root.layers.0.mlp and root.layers.1.mlp')
  })

  test('and .not does not pass', () => {
    const error = errorOf(() => call(withIds(1, 5), withIds(0, 1), {}, true))
    expect(error).toMatchObject({ code: 'nothing-to-compare' })
    expect(error.message).toContain('.not.toMatchGoldenLayers needs a layer that diverges, and no rule names one')
  })
})

describe('an error that is more than rounding fails, although no layer is named', () => {
  const OPEN = 'fail: The error is more than rounding, and no rule names a layer'

  test('a model with other weights in every layer', () => {
    const names = model(1).map(({ name }) => name)
    const others = layersDump(model(1, Object.fromEntries(names.slice(1).map((name) => [name, [1.4, 1.4]]))))
    expect(headOf(others, golden)).toBe(OPEN)
    expect(headOf(others, golden, { floor: honest })).toBe(OPEN)
    expect(call(others, golden).message()).toContain(
      'the error of root.layers.3 is 1.4, more than rounding in bf16 makes',
    )
  })

  test('errors that are three times the floor everywhere', () => {
    const triple = Object.fromEntries(
      model(1)
        .slice(1)
        .map(({ name }) => [name, [0.03, 0.02]] as const),
    )
    expect(headOf(layersDump(model(1, triple)), golden)).toBe(NONE)
    expect(headOf(layersDump(model(1, triple)), golden, { floor: honest })).toBe(OPEN)
  })

  test('a layer whose inputs carry the error of a layer that was not compared is not named', () => {
    const modules = model(1, { 'root.layers.2.mlp': [0.2, 0.05] })
    expect(headOf(layersDump(modules), golden, { floor: honest })).toBe(NONE)
  })

  test('NaN that came with the inputs', () => {
    const nan = (tensor: { values: readonly number[] }) => ({ ...tensor, values: tensor.values.with(3, Number.NaN) })
    const wrong = model(1).map((module): Module => {
      if (module.name !== 'root.layers.2.mlp') return module
      return { ...module, output: nan(module.output), inputs: module.inputs!.map(nan) }
    })
    expect(headOf(layersDump(wrong), golden)).toBe(OPEN)
    expect(call(layersDump(wrong), golden).message()).toContain('root.layers.2.mlp and its inputs hold NaN')
  })
})

describe('without inputs or a recorded order', () => {
  const bare = (modules: Module[]) => modules.map(({ name, output }) => ({ name, output }))

  test('the layer before stands for the input, and the names give the order', () => {
    const plain = layersDump(bare(model(0)).reverse(), { order: false })
    const { pass, message } = call(layersDump(bare(model(1)).reverse(), { order: false }), plain)
    expect(message()).toContain(
      '30 of 31 layers have no input to compare: the output of the layer before is taken for it',
    )
    expect(message()).toContain('the golden does not record in which order its layers ran: their names give it')
    expect(pass).toBe(true)
    const wrong = bare(model(1, { 'root.layers.2.self_attn.k_proj': [0.3, 0] }))
    expect(headOf(layersDump(wrong, { order: false }), plain)).toContain('root.layers.2.self_attn.k_proj')
  })
})

describe('dumps of ATB operations', () => {
  const faulty = model(1, { 'root.layers.2.self_attn.o_proj': [0.05, 0.007] })

  test('are paired with each other by their paths, without a remainder', () => {
    const reference = operationsDump(operations(model(0)))
    const { pass, message } = call(operationsDump(operations(model(1))), reference)
    expect(message()).toContain('(token 0; 31 layers: 31 compared, 0 without a partner, 0 not comparable)')
    expect(pass).toBe(true)
    const text = call(operationsDump(operations(faulty)), reference).message()
    expect(text).toContain('First layer that diverges: 3_DecoderLayer/3_Linear     ')
    expect(text).toContain('  type                Linear\n')
  })

  test('are paired with torch modules by role, and the rest is listed', () => {
    const dump = operationsDump(operations(model(1)))
    const { pass, message } = call(dump, golden)
    expect(message()).toContain('(token 0; 55 layers: 7 compared, 48 without a partner, 0 not comparable)')
    expect(message()).toContain('  only in the golden: root.layers.0.input_layernorm, root.layers.0.self_attn.q_proj')
    expect(message()).toContain('  only in the dump: 1_DecoderLayer/0_Linear')
    expect(message()).toContain('torch modules and ATB operations are paired by role')
    expect(pass).toBe(false)
    expect(call(dump, golden, { unpaired: 'allow' }).pass).toBe(true)
    const wrong = operationsDump(operations(model(1, { 'root.layers.2': [0.2, 0.007] })))
    const named = headOf(wrong, golden, { unpaired: 'allow' })
    expect(named).toBe('fail: First layer that diverges: root.layers.2')
    const mapping = { 'root.layers.0.mlp': '1_DecoderLayer/5_Linear' }
    expect(call(dump, golden, { mapping }).message()).toContain('8 compared, 46 without a partner')
  })

  test('of which one side holds another number of layers: the layers have no partners', () => {
    const fewer = operations(model(1)).filter(({ name }) => !name.startsWith('4_'))
    const { message } = call(operationsDump(fewer), golden, { unpaired: 'allow' })
    expect(message()).toContain('3 compared, ')
  })
})

describe('a failing gate of logits', () => {
  const gate = (dump: string, against = golden) => {
    const context = { isNot: false } as MatcherContext
    return toMatchGoldenLogits.call(context, dump, against, { dtype: 'bf16', thresholds: { klDivergence: 1e-9 } })
  }
  const fault = { 'root.layers.1.self_attn.o_proj': [0.05, 0.005] } as const

  test('names the first layer that diverges, if both dumps hold the layers', () => {
    const { pass, message } = gate(layersDump(model(1, fault)))
    expect(pass).toBe(false)
    expect(message()).toMatch(
      /\n\nAt token 0 the first layer that diverges is root\.layers\.1\.self_attn\.o_proj \(rule amplification, 9 positions\)\. More: toMatchGoldenLayers\(golden, \{ step: 0 \}\)$/,
    )
  })

  test('names none if no rule does, or a dump holds the LM head alone', () => {
    const head = (level: number) => layersDump(model(level, fault).filter(({ name }) => name === 'root.lm_head'))
    for (const { pass, message } of [gate(layersDump(model(1))), gate(head(1)), gate(head(1), head(0))]) {
      expect(pass).toBe(false)
      expect(message()).not.toContain('first layer that diverges')
    }
  })
})

describe('misuse is an error', () => {
  const uneven = () => torchDump([[{ values: [1, 2] }, { values: [1, 2] }], { values: [1, 2] }])

  test.each<[string, () => unknown, string, string]>([
    [
      'no step',
      () => call(honest, golden, { step: undefined as never }),
      'invalid-argument',
      'the option step is missing',
    ],
    [
      'a typo',
      () => call(honest, golden, { floors: honest } as never),
      'invalid-argument',
      "there is no option 'floors'",
    ],
    [
      'an unknown precision',
      () => call(honest, golden, { dtype: 'fp8' as never }),
      'invalid-argument',
      'dtype must be one of bf16',
    ],
    [
      'a bad mapping',
      () => call(honest, golden, { mapping: [] as never }),
      'invalid-argument',
      'mapping must be an object',
    ],
    [
      'a mapping to nothing',
      () => call(honest, golden, { mapping: { 'root.norm': 'x' } }),
      'invalid-argument',
      'the dump has no such layer',
    ],
    [
      'no such token',
      () => call(honest, golden, { step: 7 }),
      'nothing-to-compare',
      'there is no token 7; the dump holds 0',
    ],
    [
      'dumps that share no name',
      () => call(layersDump([{ name: 'root.other', output: at(0, 1) }]), golden, {}),
      'invalid-argument',
      'no layer has the same name on both sides',
    ],
    [
      'a rank without the token',
      () => call(uneven(), uneven(), { step: 1 }),
      'nothing-to-compare',
      'token 1 has no layers: rank cuda1_1 has no step 1, the others have',
    ],
    [
      'a mapping that names a layer twice',
      () => call(honest, golden, { mapping: { 'root.norm': ['root.lm_head', 'root.lm_head'] } }),
      'invalid-argument',
      'the option mapping names root.lm_head twice',
    ],
    [
      'a mapping with an empty array',
      () => call(honest, golden, { mapping: { 'root.norm': [] } }),
      'invalid-argument',
      'or of arrays of the parts of a fused module, got a list for root.norm',
    ],
  ])('%s', (_, body, code, text) => {
    const error = errorOf(body)
    expect(error.code).toBe(code)
    expect(error.message).toContain(text)
  })
})
