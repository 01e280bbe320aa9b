import { significant } from '../../lib/number-text.js'
import { median, type TensorPair } from '../../measure/layers/measure-tensors.js'
import type { Precision } from '../types.js'
import { EPSILON } from './ladder.js'
import { limitsOf } from './limits.js'
import { isEmbedding, kindOf } from './names.js'
import type { LayerScore, RankedLayer } from './types.js'

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

/**
 * Ten times the largest error that rounding left in a model of 30 layers, in units of ε. A layer is compared with others of its
 * kind, so a fault that all layers share shows only here.
 */
const MOST = 256

/** The last layers, which every error reaches: the last decoder layer, the final norm and the LM head. */
const LAST = 3

/**
 * Why the error is more than rounding, although no rule names a layer.
 * @returns undefined if rounding explains it
 */
export function unexplained(
  layers: readonly RankedLayer[],
  scores: readonly LayerScore[],
  precision: Precision,
): string | undefined {
  return notFinite(layers) ?? overFloor(scores) ?? tooLarge(layers, scores, precision)
}

function notFinite(layers: readonly RankedLayer[]): string | undefined {
  const first = layers.find(({ measured: { output } }) => output.nonFinite.dump > output.nonFinite.golden)
  if (!first) return undefined
  return `${first.name} and its inputs hold NaN or infinite values in the dump alone, and the layer that made them was not compared`
}

function overFloor(scores: readonly LayerScore[]): string | undefined {
  const measured = scores.filter((score) => score.overFloor !== undefined)
  const typical = median(measured.map((score) => score.overFloor!))
  const limit = limitsOf(median(measured.map(({ positions }) => positions))).floor
  if (!(typical > limit)) return undefined
  return `the errors of the layers are ${significant(typical, 3)} times the floor's in the middle, and no rule names a layer: the fault may be in all layers, or in one that was not compared`
}

function tooLarge(
  layers: readonly RankedLayer[],
  scores: readonly LayerScore[],
  precision: Precision,
): string | undefined {
  for (let i = Math.max(0, layers.length - LAST); i < layers.length; i++) {
    const { output } = scores[i]!
    if (output <= MOST * EPSILON[precision]) continue
    return `the error of ${layers[i]!.name} is ${significant(output, 3)}, more than rounding in ${precision} makes, and no rule names a layer: the runs read different texts or weights, the fault is in all layers, or in one that was not compared`
  }
  return undefined
}
