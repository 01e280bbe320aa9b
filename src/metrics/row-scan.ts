import type { NonFinite, RowStats } from './types.js'

/** One row by itself. `mean` is NaN, or `max` is +Inf, exactly where the row holds NaN or +Inf. */
export type RowScan = Omit<RowStats, 'logitAtOtherTop1'>

/** Maximum, minimum, mean and top-1 of the first `count` logits, −Inf included as it is. */
export function scanRow(row: Float32Array, count: number): RowScan {
  let max = Number.NEGATIVE_INFINITY
  let min = Number.POSITIVE_INFINITY
  let sum = 0
  let top1 = 0
  for (let i = 0; i < count; i++) {
    const logit = row[i]!
    sum += logit
    if (logit > max) {
      max = logit
      top1 = i
    }
    if (logit < min) min = logit
  }
  return { max, min, mean: sum / count, top1, top1Logit: max }
}

/** NaN poisons the sum; +Inf is the maximum unless NaN hid it. */
export function hasNonFinite(scan: RowScan): boolean {
  return Number.isNaN(scan.mean) || scan.max === Number.POSITIVE_INFINITY
}

/** Counts and locates NaN and +Inf. Exact and slow: only for rows that are known to hold some. */
export function countNonFinite(row: Float32Array, count: number): NonFinite {
  let nan = 0
  let positiveInfinity = 0
  let firstVocabId = -1
  for (let i = 0; i < count; i++) {
    const logit = row[i]!
    if (logit < Number.POSITIVE_INFINITY) continue
    if (Number.isNaN(logit)) nan++
    else positiveInfinity++
    if (firstVocabId < 0) firstVocabId = i
  }
  return { nan, positiveInfinity, firstVocabId }
}
