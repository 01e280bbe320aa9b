import { join } from 'node:path'
import { atb, pth, type Tensor } from './logits.js'
import { writeTree } from './tree.js'

/** A module of a dump of all layers. */
export interface Module {
  name: string
  type?: string
  output: Tensor
  /** What it returns beside it. */
  residual?: Tensor
  inputs?: readonly Tensor[]
}

/** Writes token 0 of a torch dump with these modules, or the modules of several ranks, in this order of execution. @returns its path */
export function layersDump(
  modules: readonly Module[] | readonly (readonly Module[])[],
  options: { order?: boolean } = {},
): string {
  const ranks = (Array.isArray(modules[0]) ? modules : [modules]) as readonly (readonly Module[])[]
  const files = ranks.map((rank, i) => filesOf(rank, `msit_dump_20250301_101500/torch_tensors/cpu${i}_1`, options))
  return join(writeTree(Object.assign({}, ...files)), 'msit_dump_20250301_101500')
}

function filesOf(modules: readonly Module[], device: string, options: { order?: boolean }) {
  const files: Record<string, Uint8Array | string> = {}
  const children = modules.map(({ name, type = 'Module' }, i) => ({
    name,
    type,
    ...(options.order !== false && { order: [i] }),
    children: [],
  }))
  files[`${device}/model_tree.json`] = JSON.stringify({ name: 'root', type: 'Model', children })
  for (const { name, output, residual, inputs = [] } of modules) {
    files[`${device}/0/${name}/output${residual ? '_0' : ''}.pth`] = pth(output)
    if (residual) files[`${device}/0/${name}/output_1.pth`] = pth(residual)
    inputs.forEach((input, i) => {
      files[`${device}/0/${name}/input_${i}.pth`] = pth(input)
    })
  }
  return files
}

/** Writes execution 0 of an ATB dump with these operations, `12_Layer/3_Linear`. @returns its path */
export function operationsDump(operations: readonly Module[]): string {
  const files: Record<string, Uint8Array> = {}
  for (const { name, output, inputs = [] } of operations) {
    const folder = `msit_dump_20250301_101500/tensors/0_2/0/${name}`
    files[`${folder}/after/outtensor0.bin`] = atb(output)
    inputs.forEach((input, i) => {
      files[`${folder}/before/intensor${i}.bin`] = atb(input)
    })
  }
  return join(writeTree(files), 'msit_dump_20250301_101500')
}

/**
 * The modules of `model` as an ATB model would name and number them: `0_WordEmbedding`, `1_DecoderLayer/3_Linear` …
 * @returns without what has no counterpart
 */
export function operations(modules: readonly Module[]): Module[] {
  const inner = ['input_layernorm', 'self_attn.q_proj', 'self_attn.k_proj', 'self_attn.o_proj', 'self_attn', 'mlp']
  return modules.map((module) => {
    const [, layer, part] = /^root\.layers\.(\d+)(?:\.(.+))?$/.exec(module.name) ?? []
    if (layer === undefined) return { ...module, name: OUTER[module.name]! }
    const folder = `${Number(layer) + 1}_DecoderLayer`
    return { ...module, name: part === undefined ? folder : `${folder}/${inner.indexOf(part)}_Linear` }
  })
}

const OUTER: Readonly<Record<string, string>> = {
  'root.embed_tokens': '0_WordEmbedding',
  'root.norm': '5_RmsNorm',
  'root.lm_head': '6_LmHead',
}

/** Numbers of about 1, the same for each seed. */
export function vector(seed: number, count: number): number[] {
  let state = seed * 7919 + 13
  return Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 2147483648
    return (state / 2147483648 - 0.5) * 2
  })
}

export const POSITIONS = 10
export const WIDTH = 16

/** A tensor whose every position is at this relative Euclidean distance from the golden's, which has the distance 0. */
export function at(distance: number, seed: number, positions = POSITIONS): Tensor {
  const values: number[] = []
  for (let row = 0; row < positions; row++) {
    const golden = vector(seed * 100 + row, WIDTH)
    const noise = vector(seed * 100 + row + 50, WIDTH)
    const scale = distance === 0 ? 0 : (distance * Math.hypot(...golden)) / Math.hypot(...noise)
    values.push(...golden.map((value, i) => value + scale * noise[i]!))
  }
  return { values, shape: [1, positions, WIDTH] }
}

/** The errors of one layer's output and input. */
export type Errors = Readonly<Record<string, readonly [output: number, input: number]>>

const PARTS = [
  'input_layernorm',
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.o_proj',
  'self_attn',
  'mlp',
] as const

/**
 * A model of an embedding, four decoder layers and a head, whose error grows from layer to layer as rounding does, except for
 * the errors that are given.
 * @param level 0 for a golden, 1 for a run in bfloat16
 */
export function model(level: number, errors: Errors = {}, positions = POSITIONS): Module[] {
  const modules: Module[] = []
  let seed = 0
  const add = (name: string, type: string, output: number, input?: number) => {
    const [planted, plantedInput] = errors[name] ?? []
    seed++
    modules.push({
      name,
      type,
      output: at(planted ?? level * output, seed, positions),
      ...(input !== undefined && { inputs: [at(plantedInput ?? level * input, seed + 500, positions)] }),
    })
  }
  add('root.embed_tokens', 'Embedding', 0.0015)
  for (let layer = 0; layer < 4; layer++) {
    const stream = 0.003 + 0.002 * layer
    for (const part of PARTS) add(`root.layers.${layer}.${part}`, 'Linear', 1.5 * stream, stream)
    add(`root.layers.${layer}`, 'Layer', stream + 0.002, stream)
  }
  add('root.norm', 'RMSNorm', 0.012, 0.011)
  add('root.lm_head', 'Linear', 0.015, 0.012)
  return modules
}
