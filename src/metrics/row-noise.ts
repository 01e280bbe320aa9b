import type { Row } from '../tensor/widen.js'
import { estimatedDivergence, expectedDivergence, type LogitGroup } from './expected-divergence.js'
import { select } from './median.js'
import { nearTie } from './near-tie.js'
import {
  LEAST_COLUMNS,
  MOST_COLUMNS,
  type RoundedPrecision,
  SPREAD_LIMITS,
  SUPPRESSED,
  sampledSpread,
  spreadOf,
  topSpread,
} from './noise.js'
import { isFiner, type Precision } from './precision.js'
import { GATED, type GatedKey } from './table.js'
import type { MeasuredRows, RowScale } from './types.js'

/** What is known of the noise of a measured pair. NaN stands for what was not needed, or cannot be measured. */
export interface RowNoise {
  /**
   * d: of all columns if the token needs it (it is near or over a reference limit), else of a sample of them, which is within
   * some 15 % and serves the statistics of the run.
   */
  relativeSpread: number
  goldenDeviation: number
  dumpDeviation: number
  /** H, estimated unless `freedom` is a number. */
  expectedDivergence: number
  /** ν */
  freedom: number
  /** The robust deviation over the golden's 100 highest logits, of a flip that may be a near-tie. */
  topSpread: number
  /** The golden's probability of its top-1. */
  topProbability: number
}

/** The noise of rows of which nothing is known. */
export function unknownNoise(): RowNoise {
  const unknown = Number.NaN
  return {
    relativeSpread: unknown,
    goldenDeviation: unknown,
    dumpDeviation: unknown,
    expectedDivergence: unknown,
    freedom: unknown,
    topSpread: unknown,
    topProbability: unknown,
  }
}

/** The logits of a pair, converted when they are needed: to convert all takes as long as to compare them. */
export interface Columns {
  readonly golden: () => Row
  readonly dump: () => Row
  /** The golden's logits above a number. */
  readonly goldenAbove: (floor: number) => Row
  /** At most this many columns of both sides, at even distances. */
  readonly sample: (most: number) => readonly [golden: Row, dump: Row]
  readonly count: number
}

/** In a sample that is suppressed for the most part, fewer columns than these say nothing. */
const LEAST_SAMPLED = 64

/** The robust deviation of any numbers is at most this many standard deviations. */
const MOST_ROBUST = 1.4826

/** The spread of a sample is hardly ever farther below that of the row. */
const SAMPLED_SHARE = 0.7

/** No L is more than this many estimates of the H at the largest spread that counts: ν is at least 1. */
const MOST_RATIO = 100

/**
 * The noise of a measured pair: exact numbers if the token is over a reference limit or may be too noisy, otherwise estimates.
 * @param precision the one that the dumps were computed in
 * @param goldenPrecision that of the golden's dtype
 */
export function rowNoise(
  rows: MeasuredRows,
  columns: Columns,
  precision: Precision,
  goldenPrecision: Precision | undefined,
): RowNoise {
  const noise = unknownNoise()
  if (rows.scale) noise.topProbability = rows.scale.topProbability
  if (precision !== 'fp32' && columns.count >= LEAST_COLUMNS && rows.scale) {
    addNoise(noise, rows, columns, precision, isFiner(goldenPrecision, precision) ? 1 : 2)
  }
  if (rows.golden.top1 !== rows.dump.top1) addTopSpread(noise, rows, columns, precision)
  return noise
}

function addNoise(
  noise: RowNoise,
  rows: MeasuredRows,
  columns: Columns,
  precision: RoundedPrecision,
  rounded: 1 | 2,
): void {
  const { cap, token: limit } = SPREAD_LIMITS[precision]
  const { sample, topProbability } = rows.scale!
  if (sample.columns < LEAST_SAMPLED) return
  const scale = scaleOf(rows)
  const goldenDeviation = scale?.golden ?? sample.goldenDeviation
  const sampled = goldenDeviation > 0 ? sample.spread / goldenDeviation : 0
  const top = { logit: rows.golden.top1Logit, probability: topProbability }
  const estimateAt = (spread: number) =>
    estimatedDivergence(top, precision, Math.min(spread, cap) * goldenDeviation, rounded)
  const bound = scale ? (MOST_ROBUST * scale.gap) / scale.golden : sampled / SAMPLED_SHARE
  // Of a row with one sure id, an honest divergence may be many times H, and far below its limit: then the spread decides.
  const isHopeless = isOver('klDivergence', rows, precision) && rows.metrics.klDivergence > MOST_RATIO * estimateAt(cap)
  noise.relativeSpread = sampled
  noise.goldenDeviation = goldenDeviation
  noise.dumpDeviation = scale?.dump ?? sample.dumpDeviation
  noise.expectedDivergence = estimateAt(sampled)
  if (isHopeless || !(isOverReference(rows, precision) || bound > limit)) return
  const [golden, dump] = columns.sample(MOST_COLUMNS)
  const spread = sampledSpread(golden, dump, golden.length, rows.golden.max, rows.dump.max)
  if (spread === undefined) return
  const errors = Math.min(spread.relative, cap) * spread.goldenDeviation
  const expected = expectedDivergence(groupsOf(golden, columns), precision, errors, rounded)
  noise.relativeSpread = spread.relative
  noise.expectedDivergence = expected.mean
  noise.freedom = expected.freedom
}

/** H of rows of at most this many columns is that of all. */
const MOST_EXACT = 16_384

/** Of longer rows, the highest 1/32 of the columns are counted one by one. */
const HIGHEST = 32

/**
 * The golden's logits: those that hold most of the probability, and a sample of the others. H is then within some 5 % of that of
 * all, as d is, in a fifth of the time.
 */
function groupsOf(sample: Row, columns: Columns): LogitGroup[] {
  if (columns.count > MOST_EXACT) {
    const floor = floorOf(sample)
    const highest = columns.goldenAbove(floor)
    const rest = new Float64Array(sample.length)
    let length = 0
    for (let i = 0; i < sample.length; i++) if (sample[i]! <= floor) rest[length++] = sample[i]!
    // None is above the floor if many share the highest logit.
    if (highest.length > 0) {
      return [
        { logits: highest, weight: 1 },
        { logits: rest.subarray(0, length), weight: (columns.count - highest.length) / length },
      ]
    }
  }
  return [{ logits: columns.golden(), weight: 1 }]
}

/** About one of `HIGHEST` columns is above it: that is enough to know of a part of the sample. */
function floorOf(sample: Row): number {
  const part = new Float64Array(sample.length >> 3)
  for (let i = 0; i < part.length; i++) part[i] = sample[i << 3]!
  return select(part, part.length, Math.ceil(part.length * (1 - 1 / HIGHEST)) - 1)
}

/** The scale of a pair whose deviations are the deviations of its logits. */
function scaleOf({ scale, golden, dump }: MeasuredRows): RowScale | undefined {
  if (scale === undefined || !(scale.golden > 0) || !(scale.dump > 0)) return undefined
  return golden.max - golden.min > SUPPRESSED || dump.max - dump.min > SUPPRESSED ? undefined : scale
}

function isOverReference(rows: MeasuredRows, precision: Precision): boolean {
  return GATED.some(({ key }) => isOver(key, rows, precision))
}

function isOver(metric: GatedKey, { metrics }: MeasuredRows, precision: Precision): boolean {
  const { better, gate } = GATED.find(({ key }) => key === metric)!
  const limit = gate.limit[precision]
  return better === 'lower' ? !(metrics[metric] < limit) : !(metrics[metric] > limit)
}

/** Only of a flip that some spread could explain. */
function addTopSpread(noise: RowNoise, rows: MeasuredRows, columns: Columns, precision: Precision): void {
  const { golden, dump } = rows
  const tie = (spread: number, deviation: number) => nearTie(golden, dump, precision, spread, deviation).isBenign
  const known = scaleOf(rows)?.golden ?? noise.goldenDeviation
  const mayBe = Number.isNaN(known) || tie(Number.POSITIVE_INFINITY, known)
  if (!mayBe || tie(0, 0)) return
  const [g, d] = [columns.golden(), columns.dump()]
  noise.topSpread = topSpread(g, d, columns.count)
  noise.goldenDeviation = Number.isNaN(known) ? (spreadOf(g, d, columns.count, 1)?.goldenDeviation ?? known) : known
}
