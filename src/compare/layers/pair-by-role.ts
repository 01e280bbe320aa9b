import type { Layer } from '../../dumps/layers/index.js'
import { isHeadName } from '../../dumps/layouts/names.js'
import { isEmbedding } from './ladder.js'
import { inOrder, type LayerPairs, layersIn } from './layer-pairs.js'
import { type Mapping, mappedPairs } from './mapping.js'

/**
 * Pairs the modules of a torch dump with the operations of an ATB dump, which have no names in common: the embedding, the
 * decoder layers in their order, the final norm and the LM head. What is inside a decoder layer stays without a partner.
 * @param mapping names of the dump by names of the golden; it comes before every role
 */
export function pairByRole(golden: readonly Layer[], dump: readonly Layer[], mapping: Mapping = {}): LayerPairs {
  const roles = [rolesOf(golden), rolesOf(dump)] as const
  const pairs = mappedPairs(golden, dump, mapping)
  const used = new Set(pairs.flatMap(layersIn))
  const pair = (layer: Layer | undefined, partner: Layer | undefined) => {
    if (!layer || !partner || used.has(layer) || used.has(partner)) return
    pairs.push({ golden: layer, dump: partner })
    used.add(layer).add(partner)
  }
  pair(roles[0].embedding, roles[1].embedding)
  pair(roles[0].head, roles[1].head)
  pair(roles[0].norm, roles[1].norm)
  // Another number of layers is another model, or a dump of some of its layers: the files do not show which.
  const [ours, theirs] = [roles[0].series, roles[1].series]
  const layers = matchingSeries(ours, theirs)
  if (layers) for (let i = 0; i < layers[0].length; i++) pair(layers[0][i], layers[1][i])
  return {
    ...inOrder(golden, dump, pairs),
    renamed:
      'torch modules and ATB operations are paired by role: embedding, decoder layers in their order, final norm, LM head',
  }
}

interface Roles {
  readonly embedding?: Layer | undefined
  readonly head?: Layer | undefined
  /** The last norm outside of the decoder layers. */
  readonly norm?: Layer | undefined
  /** Layers that occur several times side by side, by what they have in common. */
  readonly series: ReadonlyMap<string, readonly Layer[]>
}

function rolesOf(layers: readonly Layer[]): Roles {
  const outer = layers.filter(({ name }) => !isInside(name))
  return {
    embedding: outer.find(isEmbedding),
    head: outer.filter(({ name, type = '' }) => isHeadName(name) || isHeadName(type)).at(-1),
    norm: outer.filter(({ name, type = '' }) => /norm|ln_f/i.test(`${type} ${name.split(/[./]/).at(-1)}`)).at(-1),
    series: seriesOf(layers),
  }
}

/** Is it inside a decoder layer, `root.layers.3.mlp`, or another operation, `12_Layer/3_Linear`? */
function isInside(name: string): boolean {
  return name.includes('/') || /\.\d+\./.test(name)
}

/** `root.model.layers.*` of torch, and the operations of one type at the top of an ATB model. */
function seriesOf(layers: readonly Layer[]): Map<string, Layer[]> {
  const series = new Map<string, Layer[]>()
  for (const layer of layers) {
    const module = /^(.*\.)\d{1,9}$/.exec(layer.name)?.[1]
    const operation = /^\d{1,9}_(.+)$/.exec(layer.name)?.[1] ?? /^(.+)_\d{1,9}$/.exec(layer.name)?.[1]
    const key = module ?? (layer.name.includes('/') ? undefined : operation)
    if (key !== undefined) series.set(key, [...(series.get(key) ?? []), layer])
  }
  return series
}

/** The one pair of series of equal length, of at least two; undefined if there is none, or several. */
function matchingSeries(
  ours: Roles['series'],
  theirs: Roles['series'],
): readonly [readonly Layer[], readonly Layer[]] | undefined {
  const matches = [...ours.values()].flatMap((a) =>
    [...theirs.values()].filter((b) => a.length > 1 && a.length === b.length).map((b) => [a, b] as const),
  )
  return matches.length === 1 ? matches[0] : undefined
}
