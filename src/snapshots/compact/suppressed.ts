import { crypto } from '../../lib/optional-packages.js'
import { type LogSum, logProb } from './log-probs.js'
import { SUPPRESSED } from './types.js'

/** SHA-256 of ascending vocab ids as little-endian uint32, its first 16 bytes. */
export function digestOfIds(ids: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * ids.length)
  const view = new DataView(bytes.buffer)
  ids.forEach((id, i) => {
    view.setUint32(4 * i, id, true)
  })
  return Uint8Array.from(crypto().createHash('sha256').update(bytes).digest().subarray(0, 16))
}

/** The vocab ids of a row that have no probability, ascending, and how many of them are −Inf. */
export function suppressedIds(row: Float32Array, total: LogSum): { ids: number[]; infinite: number } {
  const ids: number[] = []
  let infinite = 0
  for (let i = 0; i < row.length; i++) {
    if (logProb(row[i]!, total) < SUPPRESSED) ids.push(i)
    if (row[i] === Number.NEGATIVE_INFINITY) infinite++
  }
  return { ids, infinite }
}
