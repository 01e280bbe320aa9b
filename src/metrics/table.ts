/** One metric of a pair of rows. */
export interface MetricRow {
  /** The name in results and options. */
  readonly key: string
  /** The name in messages. */
  readonly label: string
  /** The column of the CSV: that of `msit llm compare`. */
  readonly csvName: string
  /** Which way is better: the value of identical rows is the best one. */
  readonly better: 'lower' | 'higher'
  /** The limits of a gated metric; a metric without them is only reported. */
  readonly gate?: {
    /** The default limit of each precision. */
    readonly limit: Readonly<Record<'bf16' | 'fp16' | 'fp32', number>>
    /** Which limits a caller may set, and how an error describes them. */
    readonly accepts: (limit: number) => boolean
    readonly range: string
  }
}

/**
 * Every metric, in the order of the CSV. Columns, records, thresholds, option names and message lines derive from this table;
 * the formulas are in `Metrics` and `measure.ts`.
 *
 * KL limits, in nats, are for a port that is not quantised. bf16 and fp16 are the reference limits of `msit llm`'s guide. fp32
 * had none: two float32 engines differ by rounding and summation order alone, which stays below 1e-7 in practice, and 1e-6 is
 * the first limit that a float16 computation (1e-6 to 1e-4) exceeds. Kernels that multiply in TF32 have float16's accuracy:
 * gate them as fp16.
 */
export const METRICS = [
  {
    key: 'cosineSimilarity',
    label: 'cosine similarity',
    csvName: 'cosine_similarity',
    better: 'higher',
    gate: {
      limit: { bf16: 0.999, fp16: 0.999, fp32: 0.999 },
      accepts: (limit) => limit >= -1 && limit < 1,
      range: 'in [-1, 1)',
    },
  },
  { key: 'maxRelativeError', label: 'max relative error', csvName: 'max_relative_error', better: 'lower' },
  { key: 'meanRelativeError', label: 'mean relative error', csvName: 'mean_relative_error', better: 'lower' },
  { key: 'maxAbsoluteError', label: 'max absolute error', csvName: 'max_absolute_error', better: 'lower' },
  { key: 'meanAbsoluteError', label: 'mean absolute error', csvName: 'mean_absolute_error', better: 'lower' },
  {
    key: 'klDivergence',
    label: 'KL divergence',
    csvName: 'kl_divergence',
    better: 'lower',
    gate: {
      limit: { bf16: 0.005, fp16: 0.0001, fp32: 0.000001 },
      accepts: (limit) => limit > 0,
      range: 'above 0',
    },
  },
  {
    key: 'relativeEuclideanDistance',
    label: 'relative Euclidean distance',
    csvName: 'relative_euclidean_distance',
    better: 'lower',
  },
] as const satisfies readonly MetricRow[]

export type MetricKey = (typeof METRICS)[number]['key']

type GatedRow = Extract<(typeof METRICS)[number], { gate: object }>

/** The metrics that have limits. */
export type GatedKey = GatedRow['key']

/** Messages and reasons name the KL divergence first. */
export const GATED: readonly GatedRow[] = METRICS.filter((metric): metric is GatedRow => 'gate' in metric)
