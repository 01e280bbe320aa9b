import type { Row } from '../tensor/widen.js'
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

/** Logits at or below it, and −Inf, are masks of vocab ids: no model computes them. */
const MASK = -10_000

/**
 * Why a row with masked vocab ids says nothing about a model: the logits that are left are all equal, or only one is left.
 * @param part the logits from a column on, at most `count` of them. It is called until two logits differ, so seldom more than once
 * @param width number of columns
 */
export function maskedProblem(
  { max, min }: Pick<RowStats, 'max' | 'min'>,
  width: number,
  part: (from: number, count: number) => Row,
): string | undefined {
  if (min > MASK || max <= MASK) return undefined
  let left = 0
  for (let from = 0; from < width; from += PART) {
    for (const logit of part(from, Math.min(PART, width - from))) {
      if (logit <= MASK) continue
      if (logit !== max) return undefined
      left++
    }
  }
  if (left === 1) return 'all logits but one are masked, so its softmax is 1 for any logit'
  return `all logits that are not masked are equal (${max})`
}

/** Columns that are read at a time. */
const PART = 256

/** A log-softmax rounded to bfloat16 has a log of the sum within this of 0. */
const LOG_SUM_TOLERANCE = 0.02

/**
 * Whether the exponentials of a row sum to 1, so that it holds log-probabilities.
 * A maximum of exactly 0 shows nothing: engines also subtract the maximum from logits.
 * @param values the row; it is read only if all values are negative, as hardly any row of logits has it
 */
export function areLogProbabilities(max: number, values: () => Row): boolean {
  if (!(max < 0)) return false
  let sum = 0
  for (const value of values()) sum += Math.exp(value)
  return Math.abs(Math.log(sum)) < LOG_SUM_TOLERANCE
}
