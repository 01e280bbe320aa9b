import type { Layer } from '../../dumps/layers/index.js'
import { describeValue, invalidArgument, printable } from '../../errors.js'
import { combinedLayer, type LayerPair } from './layer-pairs.js'

/** The option `mapping`: names of the dump's layers by names of the golden's; several are the parts of a fused module. */
export type Mapping = Readonly<Record<string, string | readonly string[]>>

/** What is no mapping in a value, such as `a list for root.norm`; undefined if the value is a mapping. */
export function mappingFlaw(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return describeValue(value)
  const wrong = Object.entries(value).find(([, names]) => !isNames(names))
  return wrong && `${describeValue(wrong[1])} for ${printable(wrong[0])}`
}

/** One name, or several. */
function isNames(value: unknown): boolean {
  const names: unknown[] = Array.isArray(value) ? value : [value]
  return names.length > 0 && names.every((name) => typeof name === 'string')
}

/**
 * The pairs that the option `mapping` names. If several layers of the golden have the same partner, they are its parts, in the
 * order of the mapping.
 * @throws GoldenLogitsError `invalid-argument` if a side has no layer of a name, or a layer is named twice
 */
export function mappedPairs(golden: readonly Layer[], dump: readonly Layer[], mapping: Mapping): LayerPair[] {
  const layerOf = (side: 'golden' | 'dump', name: string): Layer => {
    const layer = (side === 'golden' ? golden : dump).find((one) => one.name === name)
    if (layer) return layer
    throw invalidArgument(
      `the option mapping names ${printable(name)}, and the ${side} has no such layer at this token`,
    )
  }
  const byPartner = new Map<string, { names: string[]; partners: readonly string[] }>()
  const isNamed = new Set<string>()
  for (const [name, target] of Object.entries(mapping)) {
    const partners = typeof target === 'string' ? [target] : target
    const key = JSON.stringify(partners)
    const entry = byPartner.get(key)
    if (entry && partners.length === 1) entry.names.push(name)
    else {
      byPartner.set(key, { names: [name], partners })
      for (const partner of partners) {
        if (isNamed.has(partner)) throw invalidArgument(`the option mapping names ${printable(partner)} twice`)
        isNamed.add(partner)
      }
    }
  }
  return [...byPartner.values()].map(({ names, partners }) => ({
    golden: combinedLayer(names.map((name) => layerOf('golden', name))),
    dump: combinedLayer(partners.map((name) => layerOf('dump', name))),
  }))
}
