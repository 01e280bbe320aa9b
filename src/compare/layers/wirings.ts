import type { Layer } from '../../dumps/layers/index.js'
import { groupBy } from '../../lib/group-by.js'
import type { Attention } from '../../measure/layers/local/attention.js'
import type { Wiring } from '../../measure/layers/local/wiring.js'
import { DOWN, KEY, lastPart, OUTPUT, parentOf, QUERY, UP, VALUE } from './names.js'
import type { ComparedLayer } from './types.js'

type BothSides<T> = ReadonlyMap<ComparedLayer, Readonly<Record<'golden' | 'dump', T>>>

/** The layers that put together what modules inside them make: decoder layers and gated MLPs. */
export function wiringsIn(layers: readonly ComparedLayer[]): BothSides<Wiring> {
  // If a layer returns the residual apart on one side, its first output is no sum.
  const alike = layers.filter(({ measured }) => measured?.reading.isAlike)
  return onBothSides(alike, layers, (layer, partAs): Wiring | undefined => {
    const [activation, up, down] = [partAs(/^act(_fn|ivation)?$/i), partAs(UP), partAs(DOWN)]
    if (activation && up && down) return { layer, first: activation, second: up, last: down }
    const first = partAs(/^[a-z_]*(attn|attention)$/i)
    const second = partAs(/^(mlp|feed_forward|ffn|[a-z_]*moe)$/i)
    return first && second && { layer, first, second }
  })
}

/** The attentions whose queries, keys, values and result are at hand. */
export function attentionsIn(layers: readonly ComparedLayer[]): BothSides<Attention> {
  return onBothSides(layers, layers, (layer, partAs) => {
    // Norms of queries and keys come after their projections.
    const query = partAs(/^q_norm$/) ?? partAs(QUERY)
    const key = partAs(/^k_norm$/) ?? partAs(KEY)
    const [value, output] = [partAs(VALUE), partAs(OUTPUT)]
    return query && key && value && output && { layer, query, key, value, output }
  })
}

/**
 * What a function makes of each layer and of the modules directly inside it, if it does so on both sides.
 * @param all layers, among them the modules inside
 * @param make is given a layer of one side, and a lookup of the one module inside it in a role
 */
function onBothSides<T>(
  layers: readonly ComparedLayer[],
  all: readonly ComparedLayer[],
  make: (layer: Layer, partAs: (role: RegExp) => Layer | undefined) => T | undefined,
): BothSides<T> {
  const inside = groupBy(all, ({ golden }) => parentOf(golden!.name).slice(0, -1))
  const made = new Map<ComparedLayer, Record<'golden' | 'dump', T>>()
  for (const layer of layers) {
    const parts = inside.get(layer.golden!.name) ?? []
    const on = (side: 'golden' | 'dump') =>
      make(layer[side]!, (role) => {
        const matching = parts.filter(({ golden }) => role.test(lastPart(golden!.name)))
        return matching.length === 1 ? matching[0]![side] : undefined
      })
    const [golden, dump] = [on('golden'), on('dump')]
    if (golden && dump) made.set(layer, { golden, dump })
  }
  return made
}
