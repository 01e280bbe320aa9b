import { type LogSum, logProb } from './log-probs.js'
import { type Moments, SUPPRESSED } from './types.js'

/**
 * The logits that are not suppressed, divided by their norm, less their mean; 0 elsewhere, and everywhere where they are all
 * 0. The squared distance of two such vectors, and of their means, is twice 1 − cosine similarity.
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

/** √p of the ids that are neither listed nor suppressed, 0 elsewhere. Squared distances of it are Hellinger's. */
export function tailRootsOf(row: Float32Array, total: LogSum, listed: Uint8Array): Float64Array {
  const vector = new Float64Array(row.length)
  for (let i = 0; i < row.length; i++) {
    const logP = logProb(row[i]!, total)
    if (listed[i] === 0 && logP >= SUPPRESSED) vector[i] = Math.exp(logP / 2)
  }
  return vector
}
