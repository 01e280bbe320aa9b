/**
 * ln Σ exp(logit) in two parts, of which the second is lost in the first where logits are huge: a row of the lowest numbers
 * of a dtype has probabilities, too.
 */
export interface LogSum {
  /** The highest logit. */
  readonly max: number
  /** ln Σ exp(logit − max) */
  readonly log: number
}

/** @param row free of NaN and +Inf, with a finite logit */
export function logSumOf(row: Float32Array): LogSum {
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < row.length; i++) if (row[i]! > max) max = row[i]!
  let sum = 0
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i]! - max)
  return { max, log: Math.log(sum) }
}

/** ln p of a logit. */
export function logProb(logit: number, { max, log }: LogSum): number {
  return logit - max - log
}
