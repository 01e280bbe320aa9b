import type { Layer } from '../../dumps/layers/index.js'

/** Several layers as one: the parts of a module that the other side has fused. */
export function combinedLayer(parts: readonly Layer[]): Layer {
  const [first, ...others] = parts as readonly [Layer, ...Layer[]]
  if (others.length === 0) return first
  const parent = parentOf(first.name)
  const short = others.map(({ name }) => (parentOf(name) === parent ? name.slice(parent.length) : name))
  return { ...first, name: [first.name, ...short].join('+'), parts }
}

/** `root.layers.0.self_attn.` of `root.layers.0.self_attn.q_proj`; operations of ATB are parted by slashes. */
export function parentOf(name: string): string {
  return name.slice(0, Math.max(name.lastIndexOf('.'), name.lastIndexOf('/')) + 1)
}
