import { crypto } from '../../lib/optional-packages.js'
import { type Moments, SUPPRESSED } from './types.js'

/**
 * ln Σ exp(logit) as two numbers. Their sum would lose the second one if logits are huge, as in a row of the lowest numbers of
 * a dtype, which has probabilities, too.
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

/** The log-probability of a logit. */
export function logProb(logit: number, { max, log }: LogSum): number {
  return logit - max - log
}

/** SHA-256 of ascending vocab ids as little-endian uint32, its first 16 bytes. */
export function digestOfIds(ids: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * ids.length)
  const view = new DataView(bytes.buffer)
  ids.forEach((id, i) => {
    view.setUint32(4 * i, id, true)
  })
  return Uint8Array.from(crypto().createHash('sha256').update(bytes).digest().subarray(0, 16))
}

/** The suppressed vocab ids of a row, ascending, and how many of them are −Inf. */
export function suppressedIds(row: Float32Array, total: LogSum): { ids: number[]; infinite: number } {
  const ids: number[] = []
  let infinite = 0
  for (let i = 0; i < row.length; i++) {
    if (logProb(row[i]!, total) < SUPPRESSED) ids.push(i)
    if (row[i] === Number.NEGATIVE_INFINITY) infinite++
  }
  return { ids, infinite }
}

/**
 * The logits that are not suppressed, divided by their norm, minus their mean; 0 for suppressed ids, and everywhere if the norm is
 * 0. For two rows of n such logits, the squared distance of the vectors plus n times the squared difference of the means is
 * 2 · (1 − cosine similarity).
 */
export function directionOf(row: Float32Array, total: LogSum, { sum, squares }: Moments): Float64Array {
  const vector = new Float64Array(row.length)
  const norm = Math.sqrt(squares)
  if (norm === 0) return vector
  let size = 0
  for (let i = 0; i < row.length; i++) if (logProb(row[i]!, total) >= SUPPRESSED) size++
  const mean = sum / size
  for (let i = 0; i < row.length; i++) {
    if (logProb(row[i]!, total) >= SUPPRESSED) vector[i] = (row[i]! - mean) / norm
  }
  return vector
}

/** √p of the ids that are neither listed nor suppressed, else 0: the distance of two such vectors is Hellinger's. */
export function tailRootsOf(row: Float32Array, total: LogSum, listed: Uint8Array): Float64Array {
  const vector = new Float64Array(row.length)
  for (let i = 0; i < row.length; i++) {
    const logP = logProb(row[i]!, total)
    if (listed[i] === 0 && logP >= SUPPRESSED) vector[i] = Math.exp(logP / 2)
  }
  return vector
}
