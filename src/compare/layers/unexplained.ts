import { significant } from '../../lib/number-text.js'
import { median } from '../../measure/layers/measure-tensors.js'
import type { Precision } from '../types.js'
import { EPSILON } from './ladder.js'
import { limitsOf } from './limits.js'
import type { LayerScore, RankedLayer } from './types.js'

/**
 * Ten times the largest error that rounding left in a model of 30 layers, in units of ε. A layer is compared with others of its
 * kind, so a fault that all layers share shows only here.
 */
const MOST = 256

/** The last layers, where every error arrives: the last decoder layer, the final norm and the LM head. */
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
