import { describe, expect, test } from 'vitest'
import { pairByRole } from '../../../src/compare/layers/pair-by-role.js'
import type { Layer } from '../../../src/dumps/layers/index.js'

function layers(names: readonly string[]): Layer[] {
  return names.map((name) => {
    const operation = /\d+_(\w+)$/.exec(name)?.[1]
    return {
      name,
      ...(operation !== undefined && { type: operation }),
      outputs: [`${name}/output`],
      inputs: [`${name}/input`],
    }
  })
}

/** Modules or operations of two decoder layers, between an embedding and a head. */
function model(before: readonly string[], block: readonly string[], prefix: (i: number) => string): Layer[] {
  const inside = [0, 1].flatMap((i) => block.map((name) => (name === '' ? prefix(i) : `${prefix(i)}${name}`)))
  return layers([...before, ...inside])
}

const torch = (block: readonly string[]) => model(['root.embed_tokens'], block, (i) => `root.layers.${i}`)
const atb = (block: readonly string[]) => model(['0_WordEmbedding'], block, (i) => `${i + 1}_Layer`)

/** The pairs inside the first decoder layer, without its name. */
function pairsOf(golden: readonly Layer[], dump: readonly Layer[]): string[] {
  const short = ({ name }: Layer) => name.replace(/^(?:root\.layers\.0|1_Layer)[./]?/, '')
  const { pairs } = pairByRole(golden, dump)
  const inFirst = pairs.filter((pair) => /^(?:root\.layers\.0|1_Layer)/.test(pair.golden.name))
  return inFirst.map((pair) => `${short(pair.golden)} = ${short(pair.dump)}`)
}

const LLAMA = torch([
  '.input_layernorm',
  '.self_attn.q_proj',
  '.self_attn.k_proj',
  '.self_attn.v_proj',
  '.self_attn.o_proj',
  '.self_attn',
  '.post_attention_layernorm',
  '.mlp.gate_proj',
  '.mlp.act_fn',
  '.mlp.up_proj',
  '.mlp.down_proj',
  '.mlp',
  '',
])

/** As ATB models name them. */
const PACKED = atb([
  '/0_Attention/0_QKVLinearSplit/0_NormLinear/0_RmsNormOperation',
  '/0_Attention/0_QKVLinearSplit/0_NormLinear/1_LinearOperation',
  '/0_Attention/0_QKVLinearSplit/1_SplitOperation',
  '/0_Attention/1_RopeOperation',
  '/0_Attention/2_ReshapeAndCacheOperation',
  '/0_Attention/3_SelfAttentionOperation',
  '/0_Attention/4_LinearParallel/0_LinearOperation',
  '/0_Attention/4_LinearParallel/1_AllReduceOperation',
  '/0_Attention',
  '/1_ElewiseOperation',
  '/2_Mlp/0_RmsNormOperation',
  '/2_Mlp/1_LinearOperation',
  '/2_Mlp/2_SplitOperation',
  '/2_Mlp/3_ActivationOperation',
  '/2_Mlp/4_ElewiseOperation',
  '/2_Mlp/5_LinearRowParallelNoAdd',
  '/2_Mlp',
  '/3_ElewiseOperation',
  '',
])

describe('what is inside a decoder layer', () => {
  test('is paired by type and order; what no module computes with the input of its reader', () => {
    expect(pairsOf(LLAMA, PACKED)).toEqual([
      'input_layernorm = 0_Attention/0_QKVLinearSplit/0_NormLinear/0_RmsNormOperation',
      'self_attn.q_proj+k_proj+v_proj = 0_Attention/0_QKVLinearSplit/0_NormLinear/1_LinearOperation',
      'self_attn.o_proj (input) = 0_Attention/3_SelfAttentionOperation',
      'self_attn.o_proj = 0_Attention/4_LinearParallel/0_LinearOperation',
      'self_attn = 0_Attention',
      'post_attention_layernorm (input) = 1_ElewiseOperation',
      'post_attention_layernorm = 2_Mlp/0_RmsNormOperation',
      'mlp.act_fn = 2_Mlp/3_ActivationOperation',
      'mlp.gate_proj+up_proj = 2_Mlp/1_LinearOperation',
      'mlp.down_proj (input) = 2_Mlp/4_ElewiseOperation',
      'mlp.down_proj = 2_Mlp/5_LinearRowParallelNoAdd',
      'mlp = 2_Mlp',
      ' = ',
    ])
    const { dumpOnly, goldenOnly } = pairByRole(LLAMA, PACKED)
    expect(goldenOnly).toEqual([])
    expect(dumpOnly.filter(({ name }) => name.startsWith('1_')).map(({ type }) => type)).toEqual([
      'SplitOperation',
      'RopeOperation',
      'ReshapeAndCacheOperation',
      'AllReduceOperation',
      'SplitOperation',
      'ElewiseOperation',
    ])
  })

  test('is paired likewise if the golden holds the operations', () => {
    const pairs = pairsOf(PACKED, LLAMA)
    expect(pairs).toHaveLength(13)
    expect(pairs).toContain('0_Attention/3_SelfAttentionOperation = self_attn.o_proj (input)')
    expect(pairs).toContain('2_Mlp/1_LinearOperation = mlp.gate_proj+up_proj')
    const places = pairByRole(PACKED, LLAMA).pairs.map(({ golden }) =>
      PACKED.findIndex(({ name }) => name === golden.name),
    )
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })

  test('separate projections, norms of q and k, and no containers', () => {
    const plain = atb([
      '/0_RmsNormOperation',
      '/1_LinearOperation',
      '/2_LinearOperation',
      '/3_LinearOperation',
      '/4_RmsNormOperation',
      '/5_RmsNormOperation',
      '/6_PagedAttentionOperation',
      '/7_LinearOperation',
      '/8_RmsNormOperation',
      '/9_LinearOperation',
      '/10_LinearOperation',
      '/11_SwigluOperation',
      '/12_LinearOperation',
    ])
    expect(pairsOf(LLAMA, plain)).toEqual([
      'input_layernorm = 0_RmsNormOperation',
      'self_attn.q_proj = 1_LinearOperation',
      'self_attn.k_proj = 2_LinearOperation',
      'self_attn.v_proj = 3_LinearOperation',
      'self_attn.o_proj (input) = 6_PagedAttentionOperation',
      'self_attn.o_proj = 7_LinearOperation',
      'post_attention_layernorm = 8_RmsNormOperation',
      'mlp.gate_proj = 9_LinearOperation',
      'mlp.up_proj = 10_LinearOperation',
      'mlp.down_proj (input) = 11_SwigluOperation',
      'mlp.down_proj = 12_LinearOperation',
    ])
  })

  test('a fused torch projection, and a feed-forward part without a gate', () => {
    const gpt = torch([
      '.ln_1',
      '.attn.c_attn',
      '.attn.c_proj',
      '.attn',
      '.ln_2',
      '.mlp.c_fc',
      '.mlp.act',
      '.mlp.c_proj',
      '.mlp',
    ])
    expect(pairsOf(gpt, PACKED)).toEqual([
      'ln_1 = 0_Attention/0_QKVLinearSplit/0_NormLinear/0_RmsNormOperation',
      'attn.c_attn = 0_Attention/0_QKVLinearSplit/0_NormLinear/1_LinearOperation',
      'attn.c_proj (input) = 0_Attention/3_SelfAttentionOperation',
      'attn.c_proj = 0_Attention/4_LinearParallel/0_LinearOperation',
      'attn = 0_Attention',
      'ln_2 (input) = 1_ElewiseOperation',
      'ln_2 = 2_Mlp/0_RmsNormOperation',
      'mlp.c_fc = 2_Mlp/1_LinearOperation',
      'mlp.act = 2_Mlp/3_ActivationOperation',
      'mlp.c_proj (input) = 2_Mlp/4_ElewiseOperation',
      'mlp.c_proj = 2_Mlp/5_LinearRowParallelNoAdd',
      'mlp = 2_Mlp',
    ])
  })

  test('what is ambiguous stays without a partner', () => {
    // Two projections before the attention: q and a fused k, v? Another number of norms: which is which?
    const two = atb([
      '/0_RmsNormOperation',
      '/1_RmsNormOperation',
      '/2_LinearOperation',
      '/3_LinearOperation',
      '/4_SelfAttentionOperation',
      '/5_LinearOperation',
      '/6_LinearOperation',
      '/7_LinearOperation',
    ])
    expect(pairsOf(LLAMA, two)).toEqual([
      'self_attn.o_proj (input) = 4_SelfAttentionOperation',
      'self_attn.o_proj = 5_LinearOperation',
      'mlp.gate_proj+up_proj = 6_LinearOperation',
      'mlp.down_proj = 7_LinearOperation',
    ])
    const without = (name: RegExp) => PACKED.filter((layer) => !name.test(layer.name))
    expect(pairsOf(LLAMA, without(/SelfAttention/))).toEqual([' = '])
    expect(pairsOf(LLAMA, [...without(/\/2_Mlp|ReshapeAndCache/)])).toEqual([' = '])
    const again = PACKED.flatMap((layer) => {
      const name = layer.name.replace('3_Self', '9_Self')
      return name === layer.name ? [layer] : [layer, { ...layer, name }]
    })
    expect(pairsOf(LLAMA, again)).toEqual([' = '])
    expect(pairsOf(torch(['.mixer', '']), PACKED)).toEqual([' = '])
    expect(pairsOf(torch(['.q_proj', '.o_proj', '']), PACKED)).toEqual([' = '])
  })
})
