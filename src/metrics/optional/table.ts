import type { Row } from '../../tensor/widen.js'
import { klDivergence } from '../divergence.js'
import { type Precision, ulpAt } from '../precision.js'
import type { RowStats } from '../types.js'
import type { RowPair } from './row-pair.js'

/** How an optional metric is named and limited. */
interface OptionalRow {
  /** The name in messages, in at most 18 characters. */
  readonly label: string
  /** The column of the CSV. */
  readonly csvName: string
  /** Which way is better; `nearer-zero`: it has a sign, and its magnitude is judged. Absent for a unit. */
  readonly better?: 'lower' | 'higher' | 'nearer-zero'
  /** Which limits a caller may set, and how an error describes them. */
  readonly limit?: { readonly accepts: (limit: number) => boolean; readonly range: string }
  /** From both rows; NaN if the metric is not defined for them. */
  readonly ofRows?: (pair: RowPair) => number
  /** From facts of each row, and the precision of the comparison. */
  readonly ofStats?: (golden: RowStats, dump: RowStats, precision: Precision) => number
}

/** How many of the highest logits are compared by `top10Overlap` and `top10Order`. */
const TOP = 10

const ABOVE_ZERO = { accepts: (limit: number) => limit > 0, range: 'above 0' }
const SHARE = { accepts: (limit: number) => limit >= 0 && limit < 1, range: 'in [0, 1)' }
const UP_TO_ONE = { accepts: (limit: number) => limit > 0 && limit <= 1, range: 'in (0, 1]' }

/**
 * The metrics that are computed only if a comparison asks for them (option `metrics`, or a limit), in the order of the CSV;
 * g = golden, m = dump, p = softmax(g), q = softmax(m). They are evaluated in float64, in TypeScript: a default comparison
 * pays nothing for them. Option names, records, CSV columns, limits and message lines derive from this table.
 */
const TABLE = {
  /** Σ q·(ln q − ln p) in nats, in [0, ∞]: what the dump believes and the golden does not. */
  reverseKlDivergence: {
    label: 'reverse KL',
    csvName: 'reverse_kl_divergence',
    better: 'lower',
    limit: ABOVE_ZERO,
    ofRows: ({ golden, dump, stats }) =>
      klDivergence(dump, golden, golden.length, stats.dump.top1, stats.golden.max).divergence,
  },
  /** ½·KL(p‖a) + ½·KL(q‖a) with a = (p + q)/2, in nats, in [0, ln 2]. */
  jensenShannonDivergence: {
    label: 'Jensen-Shannon',
    csvName: 'jensen_shannon_divergence',
    better: 'lower',
    limit: { accepts: (limit) => limit > 0 && limit <= Math.LN2, range: 'above 0, at most ln 2' },
    ofRows: ({ distances }) => distances.jensenShannon,
  },
  /** ½·Σ|p − q|, in [0, 1]: the share of probability that moved. */
  totalVariation: {
    label: 'total variation',
    csvName: 'total_variation',
    better: 'lower',
    limit: UP_TO_ONE,
    ofRows: ({ distances }) => distances.totalVariation,
  },
  /** The share of the golden's 10 most probable vocab ids that are among the dump's 10, in [0, 1]. */
  top10Overlap: {
    label: 'top-10 overlap',
    csvName: 'top10_overlap',
    better: 'higher',
    limit: SHARE,
    ofRows: (pair) => {
      const [golden, dump] = pair.topIds(TOP)
      return golden.filter((id) => dump.includes(id)).length / Math.max(golden.length, dump.length)
    },
  },
  /** How many of the 10 most probable vocab ids are the same in the same order, before the first that is not, over 10. */
  top10Order: {
    label: 'top-10 order',
    csvName: 'top10_order',
    better: 'higher',
    limit: SHARE,
    ofRows: (pair) => {
      const [golden, dump] = pair.topIds(TOP)
      const first = golden.findIndex((id, rank) => dump[rank] !== id)
      return (first < 0 ? golden.length : first) / Math.max(golden.length, dump.length)
    },
  },
  /** The rank of the golden's top-1 in the dump, from 1; of equal logits the lower vocab id comes first. */
  goldenTop1Rank: {
    label: 'golden top-1 rank',
    csvName: 'golden_top1_rank',
    better: 'lower',
    limit: { accepts: (limit) => limit > 1, range: 'above 1' },
    ofRows: ({ dump, stats }) => {
      const goldenTop1 = stats.golden.top1
      const logit = dump[goldenTop1]!
      let rank = 1
      for (let id = 0; id < dump.length; id++) if (dump[id]! > logit || (dump[id] === logit && id < goldenTop1)) rank++
      return rank
    },
  },
  /** q − p of the golden's top-1, in [−1, 1]: negative if the dump is less sure of it. */
  goldenTop1DeltaP: {
    label: 'golden top-1 Δp',
    csvName: 'golden_top1_delta_p',
    better: 'nearer-zero',
    limit: UP_TO_ONE,
    ofRows: ({ distances }) => distances.goldenTop1DeltaP,
  },
  /** Σ|m| / Σ|g| − 1 over the ids that are not suppressed; as `msit llm logitscmp` has it. */
  l1Norm: {
    label: 'L1 norm',
    csvName: 'l1_norm',
    better: 'nearer-zero',
    limit: ABOVE_ZERO,
    ofRows: ({ golden, dump }) => l1Norm(golden, dump),
  },
  /** |max m − max g|; as `msit llm logitscmp` has it. */
  ulpMaxDiff: {
    label: 'max difference',
    csvName: 'ulp_max_diff',
    better: 'lower',
    limit: ABOVE_ZERO,
    ofStats: (golden, dump) => Math.abs(dump.max - golden.max),
  },
  /** The unit in the last place of the precision at max m: the unit of `ulpMaxDiff`. */
  ulp: {
    label: 'ULP at maximum',
    csvName: 'ulp',
    ofStats: (_, { max }, precision) => (max === 0 ? Number.NaN : ulpAt(max, precision)),
  },
} as const satisfies Readonly<Record<string, OptionalRow>>

export type OptionalKey = keyof typeof TABLE

/** The optional metrics that can have a limit. */
export type LimitedKey = {
  [K in OptionalKey]: (typeof TABLE)[K] extends { limit: object } ? K : never
}[OptionalKey]

/** The requested metrics that are defined for a pair of rows. */
export type OptionalMetrics = Partial<Record<OptionalKey, number>>

/** The rows of the table, in its order. */
export const OPTIONAL: readonly (OptionalRow & { readonly key: OptionalKey })[] = Object.entries(TABLE).map(
  ([key, row]) => ({ key: key as OptionalKey, ...row }),
)

export function optionalRow(key: OptionalKey): OptionalRow {
  return TABLE[key]
}

/** The requested metrics that need both rows, in the order of the table. */
export function keysOfRows(asked: readonly OptionalKey[]): OptionalKey[] {
  return OPTIONAL.filter(({ key, ofRows }) => ofRows && asked.includes(key)).map(({ key }) => key)
}

/** The asked metrics that need both rows. Each has a number: NaN if it is not defined for these rows. */
export function metricsOfRows(asked: readonly OptionalKey[], pair: RowPair): OptionalMetrics {
  return Object.fromEntries(keysOfRows(asked).map((key) => [key, optionalRow(key).ofRows!(pair)]))
}

/** All asked metrics that are defined. @param ofRows what `metricsOfRows` returned */
export function optionalMetrics(
  asked: readonly OptionalKey[],
  ofRows: OptionalMetrics,
  golden: RowStats,
  dump: RowStats,
  precision: Precision,
): OptionalMetrics {
  const metrics: OptionalMetrics = {}
  for (const key of asked) {
    const value = optionalRow(key).ofStats?.(golden, dump, precision) ?? ofRows[key]
    if (value !== undefined && !Number.isNaN(value)) metrics[key] = value
  }
  return metrics
}

/**
 * Σ|m| / Σ|g| − 1, in (−1, ∞], over the finite logits of each row; 0 if both rows are all zero, NaN if the sums exceed float64.
 * The difference is summed id by id, so that two long sums do not cancel.
 */
function l1Norm(golden: Row, dump: Row): number {
  let [difference, norm] = [0, 0]
  for (let i = 0; i < golden.length; i++) {
    const g = magnitude(golden[i]!)
    difference += magnitude(dump[i]!) - g
    norm += g
  }
  return difference === 0 && norm === 0 ? 0 : difference / norm
}

/** Suppressed ids count as 0. */
function magnitude(logit: number): number {
  return logit === Number.NEGATIVE_INFINITY ? 0 : Math.abs(logit)
}
