import type { Layer } from '../../dumps/layers/index.js'
import type { Attention } from '../../measure/layers/local/attention.js'
import type { Wiring } from '../../measure/layers/local/wiring.js'
import type { ComparedLayer } from './types.js'

interface Roles {
  readonly first: RegExp
  readonly second: RegExp
  readonly last?: RegExp
}

/** The modules inside a decoder layer and a gated MLP, by the names that models of this field share. */
const WIRINGS: readonly Roles[] = [
  { first: /^[a-z_]*(attn|attention)$/i, second: /^(mlp|feed_forward|ffn|[a-z_]*moe)$/i },
  { first: /^act(_fn|ivation)?$/i, second: /^(up_proj|w3)$/i, last: /^(down_proj|w2)$/i },
]

/** Modules inside an attention. Norms of queries and keys come after their projections. */
const ATTENTION = {
  query: [/^q_norm$/, /^(q_proj|wq|query)$/],
  key: [/^k_norm$/, /^(k_proj|wk|key)$/],
  value: [/^(v_proj|wv|value)$/],
  output: [/^(o_proj|wo|out_proj|dense)$/],
} as const

type BothSides<T> = Readonly<Record<'golden' | 'dump', T>>

/** The layers that put together what modules inside them make. */
export function wiringsIn(layers: readonly ComparedLayer[]): ReadonlyMap<ComparedLayer, BothSides<Wiring>> {
  const inside = partsByLayer(layers)
  const found = new Map<ComparedLayer, BothSides<Wiring>>()
  for (const layer of layers) {
    // Of a layer that returns the residual apart on one side, the first output is no sum.
    if (!layer.measured?.reading.isAlike) continue
    const parts = inside.get(layer.golden!.name) ?? []
    for (const roles of WIRINGS) {
      const golden = wiringOf('golden', layer, parts, roles)
      const dump = wiringOf('dump', layer, parts, roles)
      if (golden && dump) found.set(layer, { golden, dump })
    }
  }
  return found
}

function wiringOf(
  side: 'golden' | 'dump',
  layer: ComparedLayer,
  parts: readonly ComparedLayer[],
  roles: Roles,
): Wiring | undefined {
  const only = (role: RegExp | undefined) => role && partOf(side, parts, role)
  const [first, second, last] = [only(roles.first), only(roles.second), only(roles.last)]
  const isWhole = first && second && (last || !roles.last)
  return isWhole ? { layer: layer[side]!, first, second, last } : undefined
}

/** The attentions whose queries, keys, values and result are at hand. */
export function attentionsIn(layers: readonly ComparedLayer[]): ReadonlyMap<ComparedLayer, BothSides<Attention>> {
  const inside = partsByLayer(layers)
  const found = new Map<ComparedLayer, BothSides<Attention>>()
  for (const layer of layers) {
    const golden = attentionOf('golden', layer, inside)
    const dump = attentionOf('dump', layer, inside)
    if (golden && dump) found.set(layer, { golden, dump })
  }
  return found
}

function attentionOf(
  side: 'golden' | 'dump',
  layer: ComparedLayer,
  inside: ReadonlyMap<string, readonly ComparedLayer[]>,
): Attention | undefined {
  const parts = inside.get(layer.golden!.name) ?? []
  const first = (roles: readonly RegExp[]) => roles.flatMap((role) => partOf(side, parts, role) ?? [])[0]
  const [query, key, value, output] = [
    first(ATTENTION.query),
    first(ATTENTION.key),
    first(ATTENTION.value),
    first(ATTENTION.output),
  ]
  return query && key && value && output && { layer: layer[side]!, query, key, value, output }
}

/** The one part in a role. */
function partOf(side: 'golden' | 'dump', parts: readonly ComparedLayer[], role: RegExp): Layer | undefined {
  const matching = parts.filter(({ golden }) => role.test(golden!.name.split('.').at(-1)!))
  return matching.length === 1 ? matching[0]![side] : undefined
}

/** The modules directly inside each layer, by its name in the golden. */
function partsByLayer(layers: readonly ComparedLayer[]): ReadonlyMap<string, readonly ComparedLayer[]> {
  const inside = new Map<string, ComparedLayer[]>()
  for (const layer of layers) {
    const { name } = layer.golden!
    const outer = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    inside.set(outer, [...(inside.get(outer) ?? []), layer])
  }
  return inside
}
