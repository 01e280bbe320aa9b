import type { Layer } from '../../dumps/layers/index.js'
import { moduleRoles, operationRoles } from './block-roles.js'
import { combinedLayer, inputLayer, type LayerPair, withoutInputs } from './layer-pairs.js'
import { isOperation } from './names.js'

/**
 * Pairs what is inside a decoder layer of torch with the operations inside one of ATB, by role. What no module computes is
 * compared with the input of the module that reads it: the attention with that of the output projection.
 */
export function pairBlocks(golden: readonly Layer[], dump: readonly Layer[]): LayerPair[] {
  const [ours, theirs] = [golden, dump].map((block) =>
    isOperation(block[0]?.name ?? '') ? operationRoles(block) : moduleRoles(block),
  )
  if (!ours || !theirs) return []
  const pairs: LayerPair[] = []
  const pair = (golden: Layer | undefined, dump: Layer | undefined) => {
    if (golden && dump) pairs.push({ golden, dump })
  }
  /** What an operation of one side computes, and the input of the module of the other side that reads it. */
  const pairWithInput = (role: 'core' | 'residual' | 'product', readers: readonly (Layer | undefined)[]) => {
    if (!ours[role] && !theirs[role]) return
    const [golden, dump] = readers.map((reader) => reader && inputLayer(reader))
    pair(ours[role] ?? golden, theirs[role] ?? dump)
  }
  /** An attention of ATB contains the norm before it, and one of torch does not: they read other tensors. */
  const pairOutputs = (role: 'attention' | 'feedForward') => {
    pair(ours[role], theirs[role] && withoutInputs(theirs[role]))
  }
  ours.norms.forEach((norms, i) => {
    pairs.push(...lists(norms, theirs.norms[i]!, false))
  })
  pairs.push(...lists(ours.projections, theirs.projections, true))
  pairWithInput('core', [ours.output, theirs.output])
  pair(ours.output, theirs.output)
  pairOutputs('attention')
  pairWithInput('residual', [ours.norms[1][0], theirs.norms[1][0]])
  pairs.push(...lists(ours.inner, theirs.inner, true))
  pair(ours.activation, theirs.activation)
  pairWithInput('product', [ours.down, theirs.down])
  pair(ours.down, theirs.down)
  pairOutputs('feedForward')
  return pairs
}

/** Layers of one role: as many on both sides, or one that fuses the layers of the other. */
function lists(golden: readonly Layer[], dump: readonly Layer[], mayFuse: boolean): LayerPair[] {
  if (golden.length === dump.length) return golden.map((layer, i) => ({ golden: layer, dump: dump[i]! }))
  const isFused = mayFuse && Math.min(golden.length, dump.length) === 1
  return isFused ? [{ golden: combinedLayer(golden), dump: combinedLayer(dump) }] : []
}
