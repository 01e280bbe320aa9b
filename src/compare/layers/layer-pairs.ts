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
  const places = new Map(golden.map((layer, i) => [layer, i]))
  const placeOf = ({ golden }: LayerPair) => Math.max(...partsOf(golden).map((part) => places.get(part)!))
  const rest = withoutPaired(golden, dump, pairs)
  const sorted = [...pairs].sort((a, b) => placeOf(a) - placeOf(b))
  return { pairs: sorted, goldenOnly: rest.golden, dumpOnly: rest.dump }
}

/** The layers of each side that are in no pair. */
export function withoutPaired(golden: readonly Layer[], dump: readonly Layer[], pairs: readonly LayerPair[]) {
  const used = new Set(pairs.flatMap(layersIn))
  return { golden: golden.filter((layer) => !used.has(layer)), dump: dump.filter((layer) => !used.has(layer)) }
}

/** The layers of both sides that a pair stands for. */
export function layersIn({ golden, dump }: LayerPair): Layer[] {
  return [...partsOf(golden), ...partsOf(dump)]
}

function partsOf(layer: Layer): readonly Layer[] {
  return layer.parts ?? [layer]
}
