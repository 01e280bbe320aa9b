import type { Layer, RankFiles } from '../../dumps/layers/index.js'
import { moduleRoles, operationRoles } from './block-roles.js'
import { combinedLayer } from './combined-layer.js'
import type { LayerPair } from './layer-pairs.js'

/** Is this a name of an operation of ATB, `1_DecoderLayer/0_Linear`, and not of a module? */
export function isOperation(name: string): boolean {
  return name.includes('/') || /^\d{1,9}_/.test(name) || (!name.includes('.') && /_\d{1,9}$/.test(name))
}

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
  ours.norms.forEach((norms, i) => {
    pairs.push(...lists(norms, theirs.norms[i]!, false))
  })
  pairs.push(...lists(ours.projections, theirs.projections, true))
  pair(...computedOrRead(ours.core, ours.output, theirs.core, theirs.output))
  pair(ours.output, theirs.output)
  pair(...withoutInputs(ours.attention, theirs.attention))
  pair(...computedOrRead(ours.residual, ours.norms[1][0], theirs.residual, theirs.norms[1][0]))
  pairs.push(...lists(ours.inner, theirs.inner, true))
  pair(ours.activation, theirs.activation)
  pair(...computedOrRead(ours.product, ours.down, theirs.product, theirs.down))
  pair(ours.down, theirs.down)
  pair(...withoutInputs(ours.feedForward, theirs.feedForward))
  return pairs
}

/** Layers of one role: as many on both sides, or one that fuses the layers of the other. */
function lists(golden: readonly Layer[], dump: readonly Layer[], mayFuse: boolean): LayerPair[] {
  if (golden.length === dump.length) return golden.map((layer, i) => ({ golden: layer, dump: dump[i]! }))
  const isFused = mayFuse && Math.min(golden.length, dump.length) === 1
  return isFused ? [{ golden: combinedLayer(golden), dump: combinedLayer(dump) }] : []
}

/** What an operation of one side computes, and the input of the module of the other side that reads it. */
function computedOrRead(
  golden: Layer | undefined,
  goldenReader: Layer | undefined,
  dump: Layer | undefined,
  dumpReader: Layer | undefined,
): Sides {
  if (!golden && !dump) return [undefined, undefined]
  return [golden ?? (goldenReader && inputLayer(goldenReader)), dump ?? (dumpReader && inputLayer(dumpReader))]
}

type Sides = [golden: Layer | undefined, dump: Layer | undefined]

/** The input of a layer as a layer without inputs. */
export function inputLayer(layer: Layer): Layer | undefined {
  if (layer.inputs.length === 0) return undefined
  const filesOf = ({ inputs }: RankFiles) => ({ outputs: inputs.slice(0, 1), inputs: [] })
  const ranks = layer.ranks?.map(filesOf)
  const { name, problem } = layer
  return {
    name: `${name} (input)`,
    ...filesOf(layer),
    inputOf: layer,
    ...(problem !== undefined && { problem }),
    ...(ranks && { ranks }),
  }
}

/** An attention of ATB contains the norm before it, and one of torch does not: they read other tensors. */
function withoutInputs(golden: Layer | undefined, dump: Layer | undefined): Sides {
  return [golden, dump && { ...dump, inputs: [], ...(dump.ranks && { ranks: dump.ranks.map(bare) }) }]
}

function bare({ outputs }: RankFiles): RankFiles {
  return { outputs, inputs: [] }
}
