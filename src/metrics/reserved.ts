import { GoldenLogitsError } from '../errors.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'

/** A row that begins at byte `from` of so many that were reserved. */
type Reserved = readonly [dtype: Dtype, from: number, bytes: number]

/** Refuses a comparison of more elements than were reserved: stale bytes of an earlier row would be measured. */
export function assertReserved(count: number, golden: Reserved, dump: Reserved): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new GoldenLogitsError('invalid-argument', `the vocabulary size must be a whole number from 1, not ${count}`)
  }
  assertSide('golden', count, golden)
  assertSide('dump', count, dump)
}

function assertSide(side: string, count: number, [dtype, from, bytes]: Reserved): void {
  const used = from + count * itemSize(dtype)
  if (used <= bytes) return
  throw new GoldenLogitsError('invalid-argument', `the ${side} row takes ${used} bytes, but ${bytes} were reserved`)
}
