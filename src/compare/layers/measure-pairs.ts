import type { LayerReader } from '../../measure/layers/measure-layer.js'
import { type LayerPair, withoutInputs } from './layer-pairs.js'
import { isOuterNorm, kindOf } from './names.js'
import type { ComparedLayer } from './types.js'

/**
 * Measures every pair. If the values of a layer leave open what its ranks or parts hold, it is read as all others of its kind
 * are, in other decoder layers: a fault in one layer does not hide it.
 */
export function measurePairs(pairs: readonly LayerPair[], reader: LayerReader): readonly ComparedLayer[] {
  const first = pairs.map((pair) => reader.measure(pair.golden, pair.dump))
  const keys = new Map<string, Set<string>>()
  first.forEach((measured, i) => {
    if (!('output' in measured)) return
    const kind = kindOf(pairs[i]!.golden.name)
    keys.set(kind, (keys.get(kind) ?? new Set()).add(measured.reading.key))
  })
  const layers = pairs.map((pair, i): ComparedLayer => {
    let measured = first[i]!
    const [key, ...others] = keys.get(kindOf(pair.golden.name)) ?? []
    if ('undecided' in measured && key !== undefined && others.length === 0) {
      measured = reader.measure(pair.golden, pair.dump, key)
    }
    if ('output' in measured) return { verdict: 'compared', reason: measured.notes.join('; '), ...pair, measured }
    return { verdict: measured.verdict, reason: measured.reason, ...pair }
  })
  return recognisePostNorm(layers, reader)
}

/** A last layer that is this far from its partner may hold something else; the final norm must be this close to it. */
const FAR = 0.25
const CLOSE = 0.1

/**
 * Recognises a last decoder layer whose output was taken after the final norm, as the last of transformers' `hidden_states` is,
 * and compares it with the norm of the other side.
 */
function recognisePostNorm(layers: readonly ComparedLayer[], reader: LayerReader): readonly ComparedLayer[] {
  const last = layers.findLastIndex(({ golden }) => golden !== undefined && isDecoderLayer(golden.name))
  const norm = layers.findLast(({ golden }, i) => i > last && golden !== undefined && isOuterNorm(golden))
  const layer = layers[last]
  if (!norm || !layer?.measured || !(layer.measured.output.relativeEuclideanDistance > FAR)) return layers
  for (const side of ['dump', 'golden'] as const) {
    const pair = side === 'dump' ? ([norm.golden!, layer.dump!] as const) : ([layer.golden!, norm.dump!] as const)
    const measured = reader.measure(withoutInputs(pair[0]), withoutInputs(pair[1]))
    if (!('output' in measured) || !(measured.output.relativeEuclideanDistance < CLOSE)) continue
    const other = side === 'dump' ? 'golden' : 'dump'
    const text = `the ${side} holds it after the final norm, as the last of transformers' hidden_states is: compared with ${norm[other]!.name} of the ${other}`
    return layers.with(last, { ...layer, reason: text, postNorm: text, measured })
  }
  return layers
}

/** `root.model.layers.29`, or an operation at the top of an ATB model. */
function isDecoderLayer(name: string): boolean {
  return /\.\d+$/.test(name) || /^\d+_\w*layer\w*$/i.test(name)
}
