import { GoldenLogitsError } from '../errors.js'

/** Refuses a comparison of more elements than were reserved: stale bytes of an earlier row would be measured. */
export function assertReserved(
  count: number,
  golden: [used: number, has: number],
  dump: [used: number, has: number],
): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new GoldenLogitsError('invalid-argument', `the vocabulary size must be a whole number from 1, not ${count}`)
  }
  if (golden[0] > golden[1]) throw notReserved('golden', golden)
  if (dump[0] > dump[1]) throw notReserved('dump', dump)
}

function notReserved(side: string, [used, has]: [used: number, has: number]): GoldenLogitsError {
  return new GoldenLogitsError('invalid-argument', `the ${side} row takes ${used} bytes, but ${has} were reserved`)
}
