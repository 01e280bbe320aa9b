import type { Row } from '../tensor/widen.js'

/** One of the most probable vocab ids of a row. */
export interface TopLogit {
  readonly id: number
  readonly logit: number
  /** Softmax over the row. */
  readonly probability: number
}

/**
 * The vocab ids of the `count` highest logits, from the highest on; of equal ones the lower id comes first. Suppressed ids (−Inf)
 * are none of them; rows with NaN or +Inf have none.
 */
export function topIds(row: Row, count: number): number[] {
  const top: number[] = []
  for (let id = 0; id < row.length; id++) {
    const logit = row[id]!
    if (Number.isNaN(logit) || logit === Number.POSITIVE_INFINITY) return []
    if (logit === Number.NEGATIVE_INFINITY || (top.length === count && logit <= row[top.at(-1)!]!)) continue
    let at = top.length
    while (at > 0 && row[top[at - 1]!]! < logit) at--
    top.splice(at, 0, id)
    if (top.length > count) top.pop()
  }
  return top
}

/** The `count` highest logits, in the order of `topIds`. */
export function topLogits(row: Row, count: number): TopLogit[] {
  const ids = topIds(row, count)
  const max = row[ids[0] ?? 0] ?? 0
  let sum = 0
  for (let id = 0; id < row.length; id++) sum += Math.exp(row[id]! - max)
  return ids.map((id) => ({ id, logit: row[id]!, probability: Math.exp(row[id]! - max) / sum }))
}
