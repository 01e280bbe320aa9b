import type { Layer } from '../../dumps/layers/index.js'
import { fusedNamed } from '../../measure/layers/fused.js'
import { multiplies } from './block-roles.js'
import { combinedLayer, inOrder, inputLayer, type LayerPair, type LayerPairs, withoutPaired } from './layer-pairs.js'
import { type Mapping, mappedPairs } from './mapping.js'
import { DOWN, GATE, KEY, lastPart, parentOf, QUERY, UP, VALUE } from './names.js'
import { bestPrefixes, without } from './prefixes.js'

/**
 * Pairs layers by name. If a wrapper puts another prefix before the names of one side (`root.model.layers.0` and
 * `root.layers.0`), the prefixes that pair the most layers are taken off. A fused projection is paired with its parts.
 * @param mapping names of the dump by names of the golden, for layers that are called differently
 */
export function pairLayers(golden: readonly Layer[], dump: readonly Layer[], mapping: Mapping = {}): LayerPairs {
  const mapped = mappedPairs(golden, dump, mapping)
  const open = withoutPaired(golden, dump, mapped)
  const [ours, theirs] = [open.golden, open.dump].map((layers) => layers.map(({ name }) => name)) as [
    string[],
    string[],
  ]
  const names = new Set(theirs)
  const same = ours.filter((name) => names.has(name)).length
  const best = same * 2 >= Math.min(golden.length, dump.length) ? undefined : bestPrefixes(ours, theirs)
  const prefixes = best && best.count > same ? best : { ours: '', theirs: '' }
  const byName = new Map(open.dump.map((layer) => [without(layer.name, prefixes.theirs), layer]))
  const named = open.golden.flatMap((layer): LayerPair[] => {
    const own = without(layer.name, prefixes.ours)
    const partner = own === undefined ? undefined : byName.get(own)
    return partner ? readerOfProduct(layer, partner, open) : []
  })
  const rest = withoutPaired(golden, dump, [...mapped, ...named])
  const shortNames = (layers: readonly Layer[], prefix: string) =>
    new Map(layers.map((layer) => [without(layer.name, prefix) ?? layer.name, layer]))
  const fused = pairFused(shortNames(rest.golden, prefixes.ours), shortNames(rest.dump, prefixes.theirs))
  const isRenamed = prefixes.ours !== prefixes.theirs
  const renamed = `layers are paired by name without '${prefixes.ours}' in the golden and '${prefixes.theirs}' in the dump`
  return { ...inOrder(golden, dump, [...mapped, ...named, ...fused]), ...(isRenamed && { renamed }) }
}

/**
 * An activation that multiplies, too (`SiluAndMul`), computes what the down projection of the other side reads, and not what
 * the activation of the same name returns there.
 */
function readerOfProduct(
  golden: Layer,
  dump: Layer,
  { golden: ours, dump: theirs }: Record<'golden' | 'dump', readonly Layer[]>,
): LayerPair[] {
  if (multiplies(golden) === multiplies(dump) || golden.type === undefined || dump.type === undefined) {
    return [{ golden, dump }]
  }
  const readBy = (layer: Layer, layers: readonly Layer[]) => {
    const down = layers.find(({ name }) => parentOf(name) === parentOf(layer.name) && DOWN.test(lastPart(name)))
    return down && inputLayer(down)
  }
  const pair = multiplies(dump) ? { golden: readBy(golden, ours), dump } : { golden, dump: readBy(dump, theirs) }
  return pair.golden && pair.dump ? [{ golden: pair.golden, dump: pair.dump }] : []
}

/** The parts of fused projections, in the order in which these hold them. */
const PARTS = { qkv: [QUERY, KEY, VALUE], 'gate-up': [GATE, UP] } as const

/** Layers of one side without a partner, by the names under which the other side may know them. */
type Unpaired = ReadonlyMap<string, Layer>

/** Pairs fused projections of one side (`self_attn.qkv_proj`) with their parts on the other (`self_attn.q_proj` …). */
function pairFused(golden: Unpaired, dump: Unpaired): LayerPair[] {
  const inDump = fusedWithParts(dump, golden).map(([fused, parts]) => ({ golden: parts, dump: fused }))
  const inGolden = fusedWithParts(golden, dump).map(([fused, parts]) => ({ golden: fused, dump: parts }))
  return [...inDump, ...inGolden]
}

function fusedWithParts(fused: Unpaired, others: Unpaired): [fused: Layer, parts: Layer][] {
  return [...fused].flatMap(([name, layer]): [Layer, Layer][] => {
    const kind = fusedNamed(name)
    if (kind === undefined || kind === 'any') return []
    const siblings = [...others].filter(([other]) => parentOf(other) === parentOf(name))
    const parts = PARTS[kind].flatMap((role) => siblings.find(([other]) => role.test(lastPart(other)))?.[1] ?? [])
    return parts.length === PARTS[kind].length ? [[layer, combinedLayer(parts)]] : []
  })
}
