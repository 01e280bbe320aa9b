import type { Dtype } from '../tensor/dtype.js'

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

/** The precision of a floating-point dtype; undefined for integers. */
export function precisionOf(dtype: Dtype): Precision | undefined {
  if (dtype === 'bfloat16') return 'bf16'
  if (dtype === 'float16') return 'fp16'
  return dtype === 'float32' || dtype === 'float64' ? 'fp32' : undefined
}

/** From the coarsest on. */
export const PRECISIONS = ['bf16', 'fp16', 'fp32'] as const satisfies readonly Precision[]

/** Whether `a` has more fraction bits: next to `b`, its own rounding does not count. */
export function isFiner(a: Precision | undefined, b: Precision): boolean {
  return a !== undefined && FRACTION_BITS[a] > FRACTION_BITS[b]
}

/** The coarser precision of two dtypes; undefined if both are integers. */
export function coarserOf(a: Dtype, b: Dtype): Precision | undefined {
  const precisions = [precisionOf(a), precisionOf(b)]
  return PRECISIONS.find((precision) => precisions.includes(precision))
}
