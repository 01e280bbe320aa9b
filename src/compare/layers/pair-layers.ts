import type { Layer } from '../../dumps/layers/index.js'
import { isDown, multiplies } from './block-roles.js'
import { parentOf } from './combined-layer.js'
import { inOrder, type LayerPair, type LayerPairs, withoutPaired } from './layer-pairs.js'
import { type Mapping, mappedPairs } from './mapping.js'
import { inputLayer } from './pair-blocks.js'
import { pairFused } from './pair-fused.js'

/** The most leading parts of a name in which two wrappers of one model may differ. */
const MAX_PREFIX = 3

/**
 * Pairs layers by name. If a wrapper puts another prefix before the names of one side (`root.model.layers.0` and
 * `root.layers.0`), the prefixes that pair the most layers are taken off. A fused projection is paired with its parts.
 * @param mapping names of the dump by names of the golden, for layers that are called differently
 */
export function pairLayers(golden: readonly Layer[], dump: readonly Layer[], mapping: Mapping = {}): LayerPairs {
  const mapped = mappedPairs(golden, dump, mapping)
  const open = withoutPaired(golden, dump, mapped)
  const names = new Set(open.dump.map(({ name }) => name))
  const same = open.golden.filter(({ name }) => names.has(name)).length
  const best = same * 2 >= Math.min(golden.length, dump.length) ? undefined : bestPrefixes(open.golden, open.dump)
  const prefixes = best && best.count > same ? best : { golden: '', dump: '' }
  const byName = new Map(open.dump.map((layer) => [without(layer.name, prefixes.dump), layer]))
  const named = open.golden.flatMap((layer): LayerPair[] => {
    const own = without(layer.name, prefixes.golden)
    const partner = own === undefined ? undefined : byName.get(own)
    return partner ? readerOfProduct(layer, partner, open) : []
  })
  const rest = withoutPaired(golden, dump, [...mapped, ...named])
  const shortNameOf = (prefix: string) => (layer: Layer) => without(layer.name, prefix) ?? layer.name
  const fused = pairFused(
    { layers: rest.golden, nameOf: shortNameOf(prefixes.golden) },
    { layers: rest.dump, nameOf: shortNameOf(prefixes.dump) },
  )
  const isRenamed = prefixes.golden !== prefixes.dump
  const renamed = `layers are paired by name without '${prefixes.golden}' in the golden and '${prefixes.dump}' in the dump`
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
    const down = layers.find(({ name }) => parentOf(name) === parentOf(layer.name) && isDown(name))
    return down && inputLayer(down)
  }
  const pair = multiplies(dump) ? { golden: readBy(golden, ours), dump } : { golden, dump: readBy(dump, theirs) }
  return pair.golden && pair.dump ? [{ golden: pair.golden, dump: pair.dump }] : []
}

interface Prefixes {
  golden: string
  dump: string
  count: number
}

function bestPrefixes(golden: readonly Layer[], dump: readonly Layer[]): Prefixes | undefined {
  let best: Prefixes | undefined
  const dumpNames = prefixesOf(dump).map((prefix) => ({
    prefix,
    names: new Set(dump.map(({ name }) => without(name, prefix))),
  }))
  for (const prefix of prefixesOf(golden)) {
    for (const other of dumpNames) {
      const count = golden.filter(({ name }) => {
        const short = without(name, prefix)
        return short !== undefined && other.names.has(short)
      }).length
      if (count > (best?.count ?? 0)) best = { golden: prefix, dump: other.prefix, count }
    }
  }
  return best
}

/** The prefixes of up to three parts that names have, the shortest first. */
function prefixesOf(layers: readonly Layer[]): string[] {
  const prefixes = new Set([''])
  for (const { name } of layers) {
    const parts = name.split('.')
    for (let i = 1; i <= Math.min(MAX_PREFIX, parts.length - 1); i++) prefixes.add(`${parts.slice(0, i).join('.')}.`)
    if (prefixes.size > 64) break
  }
  return [...prefixes].sort((a, b) => a.length - b.length)
}

function without(name: string, prefix: string): string | undefined {
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined
}
