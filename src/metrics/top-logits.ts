/** One of the most probable vocab ids of a row. */
export interface TopLogit {
  readonly id: number
  readonly logit: number
  /** Softmax over the row. */
  readonly probability: number
}

/**
 * The `count` highest logits, from the highest on; of equal ones the lower id comes first. Rows with NaN or +Inf have none.
 */
export function topLogits(row: Float32Array, count: number): TopLogit[] {
  const top: { id: number; logit: number }[] = []
  for (let id = 0; id < row.length; id++) {
    const logit = row[id]!
    if (Number.isNaN(logit) || logit === Number.POSITIVE_INFINITY) return []
    if (logit === Number.NEGATIVE_INFINITY || (top.length === count && logit <= top.at(-1)!.logit)) continue
    let at = top.length
    while (at > 0 && top[at - 1]!.logit < logit) at--
    top.splice(at, 0, { id, logit })
    if (top.length > count) top.pop()
  }
  const max = top[0]?.logit ?? 0
  let sum = 0
  for (let id = 0; id < row.length; id++) sum += Math.exp(row[id]! - max)
  return top.map(({ id, logit }) => ({ id, logit, probability: Math.exp(logit - max) / sum }))
}
