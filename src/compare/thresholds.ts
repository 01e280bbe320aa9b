import { GoldenLogitsError } from '../errors.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Precision, Thresholds } from './types.js'

/** From the coarsest on. */
export const PRECISIONS = ['bf16', 'fp16', 'fp32'] as const satisfies readonly Precision[]

/**
 * KL limits of a port that is not quantised, in nats. bf16 and fp16 are the reference limits of `msit llm`'s guide. fp32
 * had none: two float32 engines differ by rounding and summation order alone, which stays below 1e-7 in practice, and
 * 1e-6 is the first limit that a float16 computation (1e-6 to 1e-4) does not slip under. Kernels that multiply in TF32
 * are of float16's accuracy: gate them as fp16.
 */
const KL_LIMIT: Readonly<Record<Precision, number>> = { bf16: 0.005, fp16: 0.0001, fp32: 0.000001 }

const COSINE_LIMIT = 0.999

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

/** The precision of that name; case and a leading `torch.` do not matter. */
export function precisionNamed(name: string): Precision | undefined {
  return NAMES.get(name.toLowerCase().replace(/^torch\./, ''))
}

/**
 * The coarsest precision among the dtypes of the compared rows. Integer logits carry no precision of their own: the float
 * side decides.
 * @throws GoldenLogitsError `invalid-argument` where rows were compared and none of them is of a float dtype
 */
export function inferPrecision(dtypes: Iterable<Dtype>): Precision {
  const seen = new Set(dtypes)
  const precisions = new Set([...seen].map((dtype) => precisionNamed(dtype)))
  const coarsest = PRECISIONS.find((precision) => precisions.has(precision))
  if (coarsest !== undefined || seen.size === 0) return coarsest ?? 'fp32'
  throw new GoldenLogitsError(
    'invalid-argument',
    `both dumps hold integers (${[...seen].join(', ')}), which say nothing of the precision they were computed in; set the option dtype`,
  )
}

/** The limits of a precision, with those the caller set in their place. */
export function thresholdsOf(
  precision: Precision,
  own: { klDivergence?: number | undefined; cosineSimilarity?: number | undefined },
): Thresholds {
  return {
    precision,
    klDivergence: own.klDivergence ?? KL_LIMIT[precision],
    cosineSimilarity: own.cosineSimilarity ?? COSINE_LIMIT,
  }
}
