import type { Layer } from '../../dumps/layers/index.js'

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
export function inOrder(
  golden: readonly Layer[],
  dump: readonly Layer[],
  pairs: readonly LayerPair[],
): Omit<LayerPairs, 'renamed'> {
  const places = new Map(golden.map(({ name }, i) => [name, i]))
  const placeOf = ({ golden: { inputOf, ...layer } }: LayerPair) =>
    inputOf ? places.get(inputOf.name)! - 0.5 : Math.max(...partsOf(layer).map(({ name }) => places.get(name)!))
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
export function namesIn(layer: Layer): string[] {
  return layer.inputOf ? [] : partsOf(layer).map(({ name }) => name)
}

function partsOf(layer: Layer): readonly Layer[] {
  return layer.parts ?? [layer]
}
