import type { TensorPair } from '../../measure/layers/measure-tensors.js'
import { isEmbedding, kindOf } from './names.js'
import type { RankedLayer } from './types.js'

/**
 * Why the layers of both sides cannot be compared, if something shows that the runs did not compute the same.
 * @returns undefined if nothing speaks against it
 */
export function misalignment(layers: readonly RankedLayer[]): string | undefined {
  return otherIds(layers) ?? otherEmbeddings(layers) ?? capturedGraph(layers)
}

function otherIds(layers: readonly RankedLayer[]): string | undefined {
  for (const { name, type, measured } of layers) {
    if (!isEmbedding({ name, type })) continue
    const other = measured.ids.find(({ differing }) => differing > 0)
    if (other) {
      return `the inputs of ${name} differ in ${other.differing} of ${other.elements} token ids, so the runs read different texts: feed both the same tokens (forced decoding), or choose a token before they part`
    }
  }
  return undefined
}

/** Vectors of other tokens have nothing in common; a fault in a table of embeddings leaves most of them alone. */
function otherEmbeddings(layers: readonly RankedLayer[]): string | undefined {
  const first = layers.find(isEmbedding)
  if (!first || first.measured.ids.length > 0) return undefined
  const { errors, cosineSimilarity, positions } = first.measured.output
  const apart = errors.filter((error) => error > 0.5).length
  if (apart * 2 < positions || cosineSimilarity > 0.9) return undefined
  return `the outputs of ${first.name} have nothing in common at ${apart} of ${positions} positions: the runs read different tokens, or the whole table of embeddings is wrong. The dumps hold no token ids, which would show it: collect the inputs too`
}

/** A captured graph that is replayed writes one tensor for several layers. */
function capturedGraph(layers: readonly RankedLayer[]): string | undefined {
  const alike = { golden: neighboursAlike(layers, 0), dump: neighboursAlike(layers, 1) }
  for (const side of ['dump', 'golden'] as const) {
    const others = new Set(alike[side === 'dump' ? 'golden' : 'dump'].map(([a]) => a.name))
    const pair = alike[side].find(([a]) => !others.has(a.name))
    if (pair) {
      return `the ${side} has the same bytes in ${pair[0].name} and ${pair[1].name}, and the other side has not: a captured graph wrote them. Collect in eager mode (vLLM: enforce_eager=True)`
    }
  }
  return undefined
}

function neighboursAlike(layers: readonly RankedLayer[], side: 0 | 1): [RankedLayer, RankedLayer][] {
  const last = new Map<string, RankedLayer>()
  const twins: [RankedLayer, RankedLayer][] = []
  for (const layer of layers) {
    const kind = kindOf(layer.name)
    const previous = last.get(kind)
    last.set(kind, layer)
    if (previous && haveSameBytes(previous.measured.output, layer.measured.output, side)) twins.push([previous, layer])
  }
  return twins
}

function haveSameBytes(a: TensorPair, b: TensorPair, side: 0 | 1): boolean {
  const { max, min } = a.stats[side]
  // Constant tensors are equal without being copies.
  return max > min && a.elements === b.elements && a.elements > 1 && a.checksums[side] === b.checksums[side]
}
