import type { Layer } from '../../dumps/layers/index.js'
import { parentOf } from './names.js'

export interface LayerPair {
  readonly golden: Layer
  readonly dump: Layer
}

/** Layers of both sides by their names, in the golden's order of execution. */
export interface LayerPairs {
  readonly pairs: readonly LayerPair[]
  readonly goldenOnly: readonly Layer[]
  readonly dumpOnly: readonly Layer[]
  /** How names were made equal, if they were not. */
  readonly renamed?: string
}

/** Pairs in the order in which the golden's last part ended, and what is left over. */
export function inOrder(golden: readonly Layer[], dump: readonly Layer[], pairs: readonly LayerPair[]): LayerPairs {
  const places = new Map(golden.map(({ name }, i) => [name, i]))
  const placeOf = ({ golden: layer }: LayerPair) =>
    layer.inputOf ? places.get(layer.inputOf.name)! - 0.5 : Math.max(...namesIn(layer).map((name) => places.get(name)!))
  const rest = withoutPaired(golden, dump, pairs)
  const sorted = [...pairs].sort((a, b) => placeOf(a) - placeOf(b))
  return { pairs: sorted, goldenOnly: rest.golden, dumpOnly: rest.dump }
}

/** The layers of each side that are in no pair. */
export function withoutPaired(golden: readonly Layer[], dump: readonly Layer[], pairs: readonly LayerPair[]) {
  const unused = (layers: readonly Layer[], side: 'golden' | 'dump') => {
    const used = new Set(pairs.flatMap((pair) => namesIn(pair[side])))
    return layers.filter(({ name }) => !used.has(name))
  }
  return { golden: unused(golden, 'golden'), dump: unused(dump, 'dump') }
}

/** The layers that one side of a pair stands for; none for the input of another layer. */
export function namesIn({ name, parts, inputOf }: Layer): string[] {
  if (inputOf) return []
  return parts ? parts.map((part) => part.name) : [name]
}

/** Several layers as one: the parts of a module that the other side has fused. */
export function combinedLayer(parts: readonly Layer[]): Layer {
  const [first, ...others] = parts as readonly [Layer, ...Layer[]]
  if (others.length === 0) return first
  const parent = parentOf(first.name)
  const short = others.map(({ name }) => (parentOf(name) === parent ? name.slice(parent.length) : name))
  return { ...first, name: [first.name, ...short].join('+'), parts }
}

/** The input of a layer as a layer without inputs; undefined if it was not dumped. */
export function inputLayer(layer: Layer): Layer | undefined {
  if (layer.inputs.length === 0) return undefined
  const { name, problem, ranks } = layer
  return {
    name: `${name} (input)`,
    outputs: layer.inputs.slice(0, 1),
    inputs: [],
    inputOf: layer,
    ...(problem !== undefined && { problem }),
    ...(ranks && { ranks: ranks.map(({ inputs }) => ({ outputs: inputs.slice(0, 1), inputs: [] })) }),
  }
}

/** The layer for a partner that reads other tensors. */
export function withoutInputs({ ranks, ...layer }: Layer): Layer {
  const bare = ranks?.map(({ outputs }) => ({ outputs, inputs: [] }))
  return { ...layer, inputs: [], ...(bare && { ranks: bare }) }
}
