import type { LayerReader } from '../../measure/layers/measure-layer.js'
import type { LayerPair } from './layer-pairs.js'
import { kindOf } from './names.js'
import type { ComparedLayer } from './types.js'

/**
 * Measures every pair. If the values of a layer leave open what its ranks or parts hold, it is read as all others of its kind
 * are, in other decoder layers: a fault in one layer does not hide it.
 */
export function measurePairs(pairs: readonly LayerPair[], reader: LayerReader): ComparedLayer[] {
  const first = pairs.map((pair) => reader.measure(pair.golden, pair.dump))
  const keys = new Map<string, Set<string>>()
  first.forEach((measured, i) => {
    if (!('output' in measured)) return
    const kind = kindOf(pairs[i]!.golden.name)
    keys.set(kind, (keys.get(kind) ?? new Set()).add(measured.reading.key))
  })
  return pairs.map((pair, i): ComparedLayer => {
    let measured = first[i]!
    const [key, ...others] = keys.get(kindOf(pair.golden.name)) ?? []
    if ('undecided' in measured && key !== undefined && others.length === 0) {
      measured = reader.measure(pair.golden, pair.dump, key)
    }
    if ('output' in measured) return { verdict: 'compared', reason: measured.notes.join('; '), ...pair, measured }
    return { verdict: measured.verdict, reason: measured.reason, ...pair }
  })
}
