import type { Layer } from '../../dumps/layers/index.js'
import { parseAtbLayer } from '../../dumps/layouts/atb/names.js'
import { isHeadName } from '../../dumps/layouts/names.js'
import { inOrder, type LayerPair, type LayerPairs, namesIn } from './layer-pairs.js'
import { type Mapping, mappedPairs } from './mapping.js'
import { isEmbedding, isInside, isOperation, isOuterNorm } from './names.js'
import { pairBlocks } from './pair-blocks.js'

/**
 * Pairs the modules of a torch dump with the operations of an ATB dump, which have no names in common: the embedding, the
 * decoder layers in their order, what is inside them, the final norm and the LM head.
 * @param mapping names of the dump by names of the golden; it comes before every role
 */
export function pairByRole(golden: readonly Layer[], dump: readonly Layer[], mapping: Mapping = {}): LayerPairs {
  const roles = [rolesOf(golden), rolesOf(dump)] as const
  const pairs = mappedPairs(golden, dump, mapping)
  const sides = ['golden', 'dump'] as const
  const used = { golden: new Set<string>(), dump: new Set<string>() }
  const use = (pair: LayerPair) => {
    for (const side of sides) for (const name of namesIn(pair[side])) used[side].add(name)
  }
  pairs.forEach(use)
  const add = (pair: LayerPair) => {
    if (sides.some((side) => namesIn(pair[side]).some((name) => used[side].has(name)))) return
    pairs.push(pair)
    use(pair)
  }
  const pair = (layer: Layer | undefined, partner: Layer | undefined) => {
    if (layer && partner) add({ golden: layer, dump: partner })
  }
  pair(roles[0].embedding, roles[1].embedding)
  pair(roles[0].head, roles[1].head)
  pair(roles[0].norm, roles[1].norm)
  // Another number of layers is another model, or a dump of some of its layers: the files do not show which.
  const series = matchingSeries(roles[0].series, roles[1].series) ?? [[], []]
  series[0].forEach((block, i) => {
    const partner = series[1][i]!
    pair(block.whole, partner.whole)
    for (const inner of pairBlocks(block.inside, partner.inside)) add(inner)
  })
  return { ...inOrder(golden, dump, pairs), renamed: RENAMED }
}

const RENAMED =
  'torch modules and ATB operations are paired by role: embedding, decoder layers in their order, in each of them projections, attention, norms and feed-forward by type and order, final norm, LM head'

interface Roles {
  readonly embedding?: Layer | undefined
  readonly head?: Layer | undefined
  /** The last norm outside of the decoder layers. */
  readonly norm?: Layer | undefined
  /** Decoder layers, by what their names have in common. */
  readonly series: ReadonlyMap<string, readonly Block[]>
}

function rolesOf(layers: readonly Layer[]): Roles {
  const outer = layers.filter(({ name }) => !isInside(name))
  return {
    embedding: outer.find(isEmbedding),
    head: outer.findLast(({ name, type = '' }) => isHeadName(name) || isHeadName(type)),
    norm: outer.findLast(isOuterNorm),
    series: seriesOf(layers),
  }
}

/** A decoder layer: itself, if its own tensors were dumped, and what is inside it. */
interface Block {
  whole?: Layer
  readonly inside: Layer[]
}

/** `root.model.layers.*` of torch, and the operations of one type at the top of an ATB model. */
function seriesOf(layers: readonly Layer[]): Map<string, Block[]> {
  const series = new Map<string, Map<string, Block>>()
  for (const layer of layers) {
    const [key, name] = placeIn(layer.name)
    if (key === undefined || name === undefined) continue
    const blocks = series.get(key) ?? new Map<string, Block>()
    series.set(key, blocks)
    const block = blocks.get(name) ?? { inside: [] }
    blocks.set(name, block)
    if (layer.name === name) block.whole = layer
    else block.inside.push(layer)
  }
  return new Map([...series].map(([key, blocks]) => [key, [...blocks.values()]]))
}

/** The series of a layer, and the decoder layer that it is or is in. */
function placeIn(name: string): [series?: string | undefined, block?: string] {
  if (!isOperation(name)) {
    const match = /^(.*?\.)\d{1,9}(?=\.|$)/.exec(name)
    return match ? [match[1], match[0]] : []
  }
  const top = name.split('/')[0]!
  return [parseAtbLayer(top)?.op, top]
}

/** The one pair of series of equal length, of at least two; undefined if there is none, or several. */
function matchingSeries(
  ours: Roles['series'],
  theirs: Roles['series'],
): readonly [readonly Block[], readonly Block[]] | undefined {
  const matches = [...ours.values()].flatMap((a) =>
    [...theirs.values()].filter((b) => a.length > 1 && a.length === b.length).map((b) => [a, b] as const),
  )
  return matches.length === 1 ? matches[0] : undefined
}
