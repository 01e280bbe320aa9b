import { describeValue, GoldenLogitsError, invalidArgument } from '../errors.js'
import type { LimitedKey } from '../metrics/optional/table.js'
import { PRECISIONS } from '../metrics/precision.js'
import { GATED, type GatedKey } from '../metrics/table.js'
import type { Dtype } from '../tensor/dtype.js'
import type { Precision, RunKey, Thresholds } from './types.js'

/** Other names of the precisions. */
const ALIASES = {
  bfloat16: 'bf16',
  float16: 'fp16',
  half: 'fp16',
  float32: 'fp32',
  float: 'fp32',
  float64: 'fp32',
} as const satisfies Record<string, Precision>

type Alias = keyof typeof ALIASES

export type PrecisionName = Precision | Alias | `torch.${Alias}`

/** The precision of that name; case and a leading `torch.` do not matter. */
export function precisionNamed(name: string): Precision | undefined {
  const lower = name.toLowerCase().replace(/^torch\./, '')
  const alias = Object.hasOwn(ALIASES, lower) ? ALIASES[lower as Alias] : lower
  return PRECISIONS.find((precision) => precision === alias)
}

/**
 * The option `dtype`; undefined if it is left out.
 * @throws GoldenLogitsError `invalid-argument`
 */
export function checkPrecision(name: unknown): Precision | undefined {
  if (name === undefined) return undefined
  const precision = typeof name === 'string' ? precisionNamed(name) : undefined
  if (precision) return precision
  const names = `${PRECISIONS.join(', ')} or an alias (${Object.keys(ALIASES).join(', ')}, each also as torch.*)`
  throw invalidArgument(`dtype must be one of ${names}, got ${describeValue(name)}`)
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

/**
 * −ln 2⁻¹⁴⁹, in nats: 2⁻¹⁴⁹ is the smallest float32 above 0. With a KL divergence above it, the dump gives what the golden
 * says less probability than a float32 holds, as any row of other logits does.
 */
const LARGEST_DIVERGENCE = 149 * Math.LN2

/**
 * Refuses limits that any logits keep: a KL limit from `LARGEST_DIVERGENCE` on, a cosine limit below 0 (that of unrelated
 * logits), and no usable limit on the run.
 * @param limits those that the caller set; the default limits of each precision gate
 * @param others the limits of optional metrics
 * @param hasCosine false for rows of log-probabilities, which have no cosine similarity
 * @throws GoldenLogitsError `invalid-argument`
 */
export function refuseIdleLimits(
  { klDivergence, cosineSimilarity }: Partial<Record<GatedKey, number>>,
  { meanKl, p99Kl, top1Agreement }: Partial<Record<RunKey, number>>,
  others: readonly number[],
  hasCosine = true,
): void {
  const gates = (limit: number | undefined, isUnset: boolean) =>
    limit === undefined ? isUnset : limit < LARGEST_DIVERGENCE
  if (gates(klDivergence, true) || gates(meanKl, false) || gates(p99Kl, false) || top1Agreement !== undefined) return
  if (others.some(Number.isFinite) || (hasCosine && (cosineSimilarity ?? 0) >= 0)) return
  const kl = `klDivergence ${klDivergence} (from ${LARGEST_DIVERGENCE.toFixed(1)} nats on, a float32 softmax is 0)`
  const cosine = hasCosine
    ? `cosineSimilarity ${cosineSimilarity} (that of unrelated logits is about 0) let`
    : 'log-probabilities, which have no cosine similarity, let'
  throw invalidArgument(`thresholds gate nothing: ${kl} and ${cosine} any logits pass; set a limit that you accept`)
}
