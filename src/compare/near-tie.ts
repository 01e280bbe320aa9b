import type { Precision } from './types.js'

/** Bits of the fraction of each precision's format. */
const FRACTION_BITS: Readonly<Record<Precision, number>> = { bf16: 7, fp16: 10, fp32: 23 }

/** A flip counts as a near-tie up to so many units in the last place: each of the two logits may be one off. */
export const NEAR_TIE_ULPS = 2

/** The spacing of numbers of that precision at `logit`. Below the normal range of fp16, that of its smallest ones. */
export function ulpAt(logit: number, precision: Precision): number {
  const exponent = Math.floor(Math.log2(Math.abs(logit)))
  const smallest = precision === 'fp16' ? -14 : -126
  return 2 ** (Math.max(exponent, smallest) - FRACTION_BITS[precision])
}

/** Does the golden prefer its top-1 by so little that rounding alone may flip it? `gap` and `logit` are the golden's. */
export function isNearTie(gap: number, logit: number, precision: Precision): boolean {
  return gap <= NEAR_TIE_ULPS * ulpAt(logit, precision)
}
