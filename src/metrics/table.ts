import type { Precision } from './precision.js'

/** How a metric is named, ordered and limited. */
interface MetricRow {
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
    readonly limit: Readonly<Record<Precision, number>>
    /** Which limits a caller may set, and how an error describes them. */
    readonly accepts: (limit: number) => boolean
    readonly range: string
  }
}

/**
 * Every metric of a pair of rows, in the order of the CSV; g = golden, m = dump. Columns, records, thresholds, option
 * names and message lines derive from this table. Each metric is evaluated in float64, by
 * `measure` (measure.ts). Sums and maxima run over the vocabulary.
 *
 * KL limits, in nats, are for a port that is not quantised. bf16 and fp16 are the reference limits of `msit llm`'s
 * guide. fp32 had none: two float32 engines differ by rounding and summation order alone, which stays below 1e-7 in
 * practice, and 1e-6 is the first limit that a float16 computation (1e-6 to 1e-4) exceeds. Kernels that multiply in
 * TF32 have float16's accuracy: gate them as fp16.
 */
const TABLE = {
  /** Σgm / (‖g‖‖m‖), in [−1, 1]; 1 if both rows are all zero, 0 if one is. */
  cosineSimilarity: {
    label: 'cosine similarity',
    csvName: 'cosine_similarity',
    better: 'higher',
    gate: {
      limit: { bf16: 0.999, fp16: 0.999, fp32: 0.999 },
      accepts: (limit) => limit >= -1 && limit < 1,
      range: 'in [-1, 1)',
    },
  },
  /** max |m − g| / |g| over the vocab ids with |g| > 2⁻²³; 0 if there are none. */
  maxRelativeError: { label: 'max relative error', csvName: 'max_relative_error', better: 'lower' },
  /** The sum of the same terms, divided by the size of the whole vocabulary. */
  meanRelativeError: { label: 'mean relative error', csvName: 'mean_relative_error', better: 'lower' },
  /** max |m − g| over the vocab ids with |g| > 2⁻²³; 0 if there are none. */
  maxAbsoluteError: { label: 'max absolute error', csvName: 'max_absolute_error', better: 'lower' },
  /** The sum of the same terms, divided by the size of the whole vocabulary. */
  meanAbsoluteError: { label: 'mean absolute error', csvName: 'mean_absolute_error', better: 'lower' },
  /** Σ p·(log p − log q), p = softmax(g), q = softmax(m); natural log, in [0, ∞]. */
  klDivergence: {
    label: 'KL divergence',
    csvName: 'kl_divergence',
    better: 'lower',
    gate: {
      limit: { bf16: 0.005, fp16: 0.0001, fp32: 0.000001 },
      accepts: (limit) => limit > 0,
      range: 'above 0',
    },
  },
  /** ‖m − g‖ / ‖g‖; 0 if ‖g‖ ≤ 2⁻²³. */
  relativeEuclideanDistance: {
    label: 'relative Euclidean distance',
    csvName: 'relative_euclidean_distance',
    better: 'lower',
  },
} as const satisfies Readonly<Record<string, Omit<MetricRow, 'key'>>>

export type MetricKey = keyof typeof TABLE

/** The metrics of one pair of rows, g = golden and m = dump. */
export type Metrics = { -readonly [key in keyof typeof TABLE]: number }

type Row = { [key in MetricKey]: { readonly key: key } & (typeof TABLE)[key] }[MetricKey]

/** The rows of the table, in its order. */
export const METRICS = Object.entries(TABLE).map(([key, row]) => ({
  key,
  ...row,
})) as readonly MetricRow[] as readonly Row[]

type GatedRow = Extract<Row, { gate: object }>

/** The metrics that have limits. */
export type GatedKey = GatedRow['key']

/** The rows with limits, in the order of the table. */
export const GATED: readonly GatedRow[] = METRICS.filter((metric): metric is GatedRow => 'gate' in metric)
