import type { BregmanSums } from '../divergence.js'
import type { PairSums } from '../pair-sums.js'
import type { RowScan } from '../row-scan.js'
import type { Support } from '../types.js'
import { COUNTS, EXTREMES, FIRST_MISMATCH, GIVEN_UP, MISSED_MAX, NOISE, RAISED, SUMS } from './layout.js'
import { logitAt, type PlacedPair, type PlacedRow, widened } from './rows.js'
import { bregmanSums, maxOf, sumOf, totalOf } from './sums.js'

/** Means this small against the largest logit have lost digits. */
const CANCELLED = 1e-5

/** What the first pass says of two rows. */
export interface PairScan {
  golden: RowScan
  dump: RowScan
  sums: PairSums
  support: Support
  /** The golden's maximum over the ids that only the dump suppresses; −Infinity where there is none. */
  missedMax: number
  /** What the divergence follows from; absent where it takes another way. */
  running: RunningSums | undefined
}

export interface RunningSums {
  readonly sums: BregmanSums
  /** How large the terms were, over `mass`, that digits were lost in. */
  readonly noise: number
  /** Whether logits without weight were raised to a floor. */
  readonly raised: boolean
}

/** Everything, if not always the divergence; nothing where a row holds NaN or +Inf. */
export function scanPair(pair: PlacedPair): PairScan | undefined {
  const { kernel, view, golden, dump, count } = pair
  kernel.sumPair(golden.at, golden.kind, dump.at, dump.kind, count)
  const goldenSum = sumOf(view, SUMS.golden)
  const dumpSum = sumOf(view, SUMS.dump)
  const float = (at: number) => view.getFloat32(MISSED_MAX + at, true)
  // Sums of finite float32 stay finite in float64, and −Inf is not in them.
  if (!Number.isFinite(goldenSum + dumpSum)) return undefined
  return {
    golden: scanRow(pair, golden, EXTREMES.golden, goldenSum),
    dump: scanRow(pair, dump, EXTREMES.dump, dumpSum),
    sums: sumsOf(pair),
    support: {
      bothSuppressed: totalOf(view, COUNTS.bothSuppressed),
      goldenOnly: totalOf(view, COUNTS.goldenOnly),
      dumpOnly: totalOf(view, COUNTS.dumpOnly),
      firstMismatch: view.getInt32(FIRST_MISMATCH, true),
    },
    missedMax: Math.max(Math.max(float(0), float(4)), Math.max(float(8), float(12))),
    running: view.getInt32(GIVEN_UP, true) === 0 ? runningSums(view) : undefined,
  }
}

function runningSums(view: DataView): RunningSums {
  const sums = bregmanSums(view)
  return { sums, noise: view.getFloat64(NOISE, true) / sums.mass, raised: view.getInt32(RAISED, true) !== 0 }
}

function scanRow(pair: PlacedPair, row: PlacedRow, extremes: number, sum: number): RowScan {
  const { kernel, view, count } = pair
  const { at, kind } = row
  const top1 = kernel.find(at, kind, view.getInt32(extremes + 8, true), count, view.getFloat32(extremes, true))
  const max = logitAt(pair, row, top1)
  const lowest = view.getFloat32(extremes + 4, true)
  // Which of two zeros comes first, the minimum over several lanes does not tell.
  const min = lowest === 0 ? logitAt(pair, row, kernel.find(at, kind, 0, count, 0)) : lowest
  return { max, min, mean: meanOf(row, sum, count, max, min), top1, top1Logit: max }
}

/** Where the logits cancel out, the sum in several lanes is not the one from front to end: that one is the definition. */
function meanOf(row: PlacedRow, sum: number, count: number, max: number, min: number): number {
  if (min === Number.NEGATIVE_INFINITY) return min
  const mean = sum / count
  const largest = Math.max(Math.abs(max), Math.abs(min))
  return Math.abs(mean) < CANCELLED * largest ? sumRow(widened(row, count)) / count : mean
}

function sumRow(row: Float32Array): number {
  return row.reduce((sum, logit) => sum + logit, 0)
}

function sumsOf({ kernel, view, golden, dump, count }: PlacedPair): PairSums {
  const gg = sumOf(view, SUMS.gg)
  const gd = sumOf(view, SUMS.gd)
  const dd = sumOf(view, SUMS.dd)
  let mm = gg + 2 * gd + dd
  let gm = gg + gd
  // A dump that is much shorter than the golden is lost in those: it takes sums of its own.
  if (mm < gg / 4) {
    kernel.multiplyPair(golden.at, golden.kind, dump.at, dump.kind, count)
    mm = sumOf(view, SUMS.mm)
    gm = sumOf(view, SUMS.gm)
  }
  return {
    gg,
    mm,
    gm,
    dd,
    spread: 2 * gd + dd,
    absoluteSum: sumOf(view, SUMS.absolute),
    absoluteMax: maxOf(view, SUMS.absoluteMax),
    relativeSum: sumOf(view, SUMS.relative),
    relativeMax: maxOf(view, SUMS.relativeMax),
  }
}
