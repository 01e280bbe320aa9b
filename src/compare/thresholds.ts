import { GoldenLogitsError } from '../errors.js'
import type { LimitedKey } from '../metrics/optional/table.js'
import { GATED, type GatedKey } from '../metrics/table.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Precision, Thresholds } from './types.js'

/** From the coarsest on. */
export const PRECISIONS = ['bf16', 'fp16', 'fp32'] as const satisfies readonly Precision[]

export type PrecisionName =
  | Precision
  | 'bfloat16'
  | 'float16'
  | 'half'
  | 'float32'
  | 'float'
  | 'float64'
  | `torch.${'bfloat16' | 'float16' | 'half' | 'float32' | 'float' | 'float64'}`

const NAMES: ReadonlyMap<string, Precision> = new Map<string, Precision>([
  ['bf16', 'bf16'],
  ['bfloat16', 'bf16'],
  ['fp16', 'fp16'],
  ['float16', 'fp16'],
  ['half', 'fp16'],
  ['fp32', 'fp32'],
  ['float32', 'fp32'],
  ['float', 'fp32'],
  ['float64', 'fp32'],
])

/** Other names of the precisions. */
export const ALIASES = [...NAMES.keys()].filter((name) => !PRECISIONS.some((precision) => precision === name))

/** The precision of that name; case and a leading `torch.` do not matter. */
export function precisionNamed(name: string): Precision | undefined {
  return NAMES.get(name.toLowerCase().replace(/^torch\./, ''))
}

/** The dtype of rows; `hidden` for log-probabilities, which do not show what their build computed in. */
export type ShownDtype = Dtype | 'hidden'

/**
 * The coarsest precision among the dtypes of the compared rows. Integer logits carry no precision of their own: the float
 * side decides.
 * @throws GoldenLogitsError `invalid-argument` if rows were compared and none of them has a float dtype
 */
export function inferPrecision(dtypes: Iterable<ShownDtype>): Precision {
  const seen = new Set(dtypes)
  const precisions = new Set([...seen].map((dtype) => (dtype === 'hidden' ? 'fp16' : precisionNamed(dtype))))
  const coarsest = PRECISIONS.find((precision) => precisions.has(precision))
  if (coarsest !== undefined || seen.size === 0) return coarsest ?? 'fp32'
  throw new GoldenLogitsError(
    'invalid-argument',
    `both dumps hold integers (${[...seen].join(', ')}), which do not show the precision they were computed in; set the option dtype`,
  )
}

/**
 * The limits of a precision, replaced by the caller's if there are any.
 * @param others the limits of optional metrics
 */
export function thresholdsOf(
  precision: Precision,
  set: Partial<Record<GatedKey, number>>,
  others: Partial<Record<LimitedKey, number>> = {},
): Thresholds {
  const limits = { precision } as Thresholds
  for (const { key, gate } of GATED) limits[key] = set[key] ?? gate.limit[precision]
  return Object.assign(limits, others)
}
