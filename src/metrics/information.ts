import type { RowStats } from './types.js'

/** A softmax rounded to bfloat16 sums to 1 within this. */
const SUM_TOLERANCE = 0.02

/** Why a row says nothing about a model; undefined if it may. @param width number of columns */
export function informationProblem(
  { max, min, mean }: Pick<RowStats, 'max' | 'min' | 'mean'>,
  width: number,
): string | undefined {
  if (max === min) return `all logits are equal (${max})`
  // A vocabulary whose logits are all in [0, 1] and sum to 1 by chance does not exist.
  if (min >= 0 && max <= 1 && Math.abs(mean * width - 1) < SUM_TOLERANCE) {
    return 'the values are probabilities (in [0, 1], sum 1), not logits: dump the logits before the softmax'
  }
  return undefined
}
