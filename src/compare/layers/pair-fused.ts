import type { Layer } from '../../dumps/layers/index.js'
import { fusedNamed } from '../../measure/layers/fused.js'
import { combinedLayer, parentOf } from './combined-layer.js'
import type { LayerPair } from './layer-pairs.js'

/** The parts of fused projections, in the order in which these hold them. */
const PARTS: Readonly<Record<'qkv' | 'gate-up', readonly RegExp[]>> = {
  qkv: [/^(?:q|wq|query|q_proj)$/i, /^(?:k|wk|key|k_proj)$/i, /^(?:v|wv|value|v_proj)$/i],
  'gate-up': [/^(?:gate|w1|gate_proj)$/i, /^(?:up|w3|up_proj)$/i],
}

/** Layers of one side without a partner, with the names under which the other side may know them. */
interface Unpaired {
  readonly layers: readonly Layer[]
  readonly nameOf: (layer: Layer) => string
}

/** Pairs fused projections of one side (`self_attn.qkv_proj`) with their parts on the other (`self_attn.q_proj` …). */
export function pairFused(golden: Unpaired, dump: Unpaired): LayerPair[] {
  const inDump = fusedWithParts(dump, golden).map(([fused, parts]) => ({ golden: parts, dump: fused }))
  const inGolden = fusedWithParts(golden, dump).map(([fused, parts]) => ({ golden: fused, dump: parts }))
  return [...inDump, ...inGolden]
}

function fusedWithParts(fused: Unpaired, parts: Unpaired): [fused: Layer, parts: Layer][] {
  const byName = new Map(parts.layers.map((layer) => [parts.nameOf(layer), layer]))
  return fused.layers.flatMap((layer) => {
    const name = fused.nameOf(layer)
    const kind = fusedNamed(name)
    const parent = parentOf(name)
    if (kind === undefined || kind === 'any') return []
    const siblings = [...byName.keys()].filter((sibling) => parentOf(sibling) === parent)
    const found = PARTS[kind].map((pattern) => siblings.find((sibling) => pattern.test(sibling.slice(parent.length))))
    if (found.includes(undefined)) return []
    return [[layer, combinedLayer(found.map((part) => byName.get(part!)!))] as [Layer, Layer]]
  })
}
