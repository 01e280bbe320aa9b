/** The precision that a dump was computed in, which chooses the thresholds. */
export type Precision = 'bf16' | 'fp16' | 'fp32'

/** Bits of the fraction of each precision's format. */
export const FRACTION_BITS: Readonly<Record<Precision, number>> = { bf16: 7, fp16: 10, fp32: 23 }

/** The exponent of the smallest normal numbers: below them, the spacing stays the same. */
const LEAST_EXPONENT: Readonly<Record<Precision, number>> = { bf16: -126, fp16: -14, fp32: -126 }

/** The spacing of numbers of that precision at `logit`: one unit in the last place. */
export function ulpAt(logit: number, precision: Precision): number {
  const exponent = Math.floor(Math.log2(Math.abs(logit)))
  return 2 ** (Math.max(exponent, LEAST_EXPONENT[precision]) - FRACTION_BITS[precision])
}

/** The spacing of a precision at the smallest logits. */
export function leastUlp(precision: Precision): number {
  return 2 ** (LEAST_EXPONENT[precision] - FRACTION_BITS[precision])
}
