import { median } from '../../measure/layers/measure-tensors.js'
import { type LayerScore, type RankedLayer, usedRows } from './ladder.js'

/**
 * The output error that rounding alone makes in a layer: the floor's, if there is a floor; otherwise what layers of its kind
 * make of such an input, which the rule `amplification` compares with.
 * @returns undefined if nothing is known of it
 */
export function naturalError({ measured, floor }: RankedLayer, score: LayerScore): number | undefined {
  if (floor) {
    const errors = usedRows(measured.output).flatMap((row) => floor.output.errors[row] ?? [])
    return errors.length === 0 ? undefined : median(errors)
  }
  const error = score.output / (score.amplification ?? Number.NaN)
  return Number.isFinite(error) ? error : undefined
}
