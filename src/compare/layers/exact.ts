import type { TensorPair } from '../../measure/layers/measure-tensors.js'
import type { Named } from './names.js'
import type { RankedLayer } from './types.js'

export function isSame({ differing, nonFinite }: TensorPair): boolean {
  return differing === 0 && nonFinite.golden + nonFinite.dump === 0
}

/** A layer that turns finite numbers into NaN or infinities where the golden's does not. */
export function firstNonFinite(layers: readonly RankedLayer[]): number {
  return layers.findIndex(({ measured: { output, inputs } }) => {
    return output.nonFinite.dump > output.nonFinite.golden && inputs.every(({ nonFinite }) => nonFinite.dump === 0)
  })
}

/** Under this many elements that are equal, equality may be luck. */
const MIN_EQUAL = 64

/**
 * The first layer with inputs that are equal bit by bit and an output that is not: only if other matrix products of the
 * run are equal bit by bit, so that the kernels round alike. Two builds that round differently may agree by luck in a
 * few elements, so the share of elements that differ must be far above what that evidence allows.
 */
export function firstUnequal(layers: readonly RankedLayer[]): number {
  if (!layers.every(({ measured }) => measured.reading.isAlike)) return -1
  let equal = 0
  const hasEqualInputs = ({ measured: { output, inputs } }: RankedLayer) =>
    inputs.length > 0 && inputs.every(isSame) && output.dtypes[0] === output.dtypes[1]
  for (const layer of layers) {
    if (hasEqualInputs(layer) && isProduct(layer) && isSame(layer.measured.output))
      equal += layer.measured.output.elements
  }
  if (equal < MIN_EQUAL) return -1
  const index = layers.findIndex((layer) => hasEqualInputs(layer) && !isSame(layer.measured.output))
  if (index < 0) return -1
  const { differing, elements } = layers[index]!.measured.output
  return differing / elements > 30 / equal ? index : -1
}

function isProduct({ name, type }: Named): boolean {
  return /linear|matmul|conv1d/i.test(type ?? '') || /(proj|lin|dense|fc\d)$/i.test(name)
}
