import type { Row } from '../tensor/widen.js'
import type { NonFinite, RowStats } from './types.js'

/** Facts of one row. `mean` is NaN or `max` is +Inf if and only if the row contains NaN or +Inf. */
export type RowScan = Omit<RowStats, 'logitAtOtherTop1'>

/** Maximum, minimum, mean and top-1 of the first `count` logits, including −Inf. */
export function scanRow(row: Row, count: number): RowScan {
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

/** NaN makes the sum NaN; +Inf is the maximum, unless the sum is NaN already. */
export function hasNonFinite(scan: RowScan): boolean {
  return Number.isNaN(scan.mean) || scan.max === Number.POSITIVE_INFINITY
}

/** Counts and locates NaN and +Inf. Slow: only for rows that contain some. */
export function countNonFinite(row: Row, count: number): NonFinite {
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

/**
 * Softmax probability, over the whole row, of the vocab ids that are picked. NaN, unless the picked ids have no probability, if
 * the row holds NaN or +Inf.
 */
export function softmaxMass(row: Row, isPicked: (vocabId: number) => boolean): number {
  let max = Number.NEGATIVE_INFINITY
  for (const logit of row) if (logit > max) max = logit
  let [picked, rest] = [0, 0]
  for (let i = 0; i < row.length; i++) {
    const e = Math.exp(row[i]! - max)
    if (isPicked(i)) picked += e
    else rest += e
  }
  return picked === 0 ? 0 : picked / (rest + picked)
}
