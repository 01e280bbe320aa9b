import { highest } from './extremes'
import {
  ABSOLUTE_MAX,
  ABSOLUTE_SUM,
  BOTH_SUPPRESSED,
  DUMP_EXTREMES,
  DUMP_ONLY,
  DUMP_SQUARES,
  DUMP_SUM,
  FIRST_MISMATCH,
  GAP_SQUARES,
  GIVEN_UP,
  GOLDEN_EXTREMES,
  GOLDEN_ONLY,
  GOLDEN_SQUARES,
  GOLDEN_SUM,
  GOLDEN_TIMES_GAP,
  LINEAR,
  MASS,
  MISSED_MAX,
  NOISE,
  PRODUCTS,
  RAISED,
  RELATIVE_MAX,
  RELATIVE_SUM,
  RESULTS,
} from './layout'
import { multiplyPair } from './products'
import { readSample, sampleDump, sampled, sampleGolden, sampleSpread } from './sample'
import { find, logitAt, sumInOrder } from './search'
import { bregmanTotal, total } from './totals'

// Writes the results of a pair as consecutive float64. src/metrics/wasm/results.ts reads them in the same order.

/** A mean this small relative to the largest logit has lost digits. */
const CANCELLED: f64 = 1e-5

let next: usize = RESULTS

function put(value: f64): void {
  store<f64>(next, value)
  next += 8
}

/** Writes only the first result if a row contains NaN or +Inf. */
export function writeResults(golden: usize, goldenKind: i32, dump: usize, dumpKind: i32, count: i32): void {
  next = RESULTS
  // Sums of finite float32 are finite in float64, and −Inf is left out.
  const sum = total(GOLDEN_SUM) + total(DUMP_SUM)
  put(sum)
  if (!(Math.abs(sum) < Infinity)) return
  const goldenTop1 = putRow(golden, goldenKind, count, GOLDEN_EXTREMES, total(GOLDEN_SUM))
  const dumpTop1 = putRow(dump, dumpKind, count, DUMP_EXTREMES, total(DUMP_SUM))
  put(logitAt(golden, goldenKind, dumpTop1))
  put(logitAt(dump, dumpKind, goldenTop1))
  putProducts(golden, goldenKind, dump, dumpKind, count)
  put(total(ABSOLUTE_SUM))
  put(Math.max(load<f64>(ABSOLUTE_MAX), load<f64>(ABSOLUTE_MAX, 8)))
  put(total(RELATIVE_SUM))
  put(Math.max(load<f64>(RELATIVE_MAX), load<f64>(RELATIVE_MAX, 8)))
  put(counted(BOTH_SUPPRESSED))
  put(counted(GOLDEN_ONLY))
  put(counted(DUMP_ONLY))
  put(load<i32>(FIRST_MISMATCH))
  put(highest(v128.load(MISSED_MAX)))
  put(total(MASS))
  put(total(LINEAR))
  put(bregmanTotal())
  put(load<f64>(NOISE))
  put(load<i32>(GIVEN_UP))
  put(load<i32>(RAISED))
  const goldenMax = load<f32>(GOLDEN_EXTREMES)
  const dumpMax = load<f32>(DUMP_EXTREMES)
  readSample(golden, goldenKind, dump, dumpKind, count, goldenMax, dumpMax)
  put(sampled)
  put(sampleSpread)
  put(sampleGolden)
  put(sampleDump)
}

/** Top-1, maximum, minimum and mean. */
function putRow(row: usize, kind: i32, count: i32, extremes: usize, sum: f64): i32 {
  const top1 = find(row, kind, load<i32>(extremes, 8), count, load<f32>(extremes))
  const high = logitAt(row, kind, top1)
  // The minimum over several lanes does not show which of 0 and -0 comes first.
  const lowest = load<f32>(extremes, 4)
  const low = lowest === 0 ? logitAt(row, kind, find(row, kind, 0, count, 0)) : lowest
  put(top1)
  put(high)
  put(low)
  put(low === -Infinity ? -Infinity : meanOf(row, kind, count, sum, max(abs(high), abs(low))))
  return top1
}

/**
 * The mean is defined by the sum from front to end. If the logits cancel out, the sum over several lanes is too
 * different.
 */
function meanOf(row: usize, kind: i32, count: i32, sum: f64, size: f64): f64 {
  const mean = sum / count
  return Math.abs(mean) < CANCELLED * size ? sumInOrder(row, kind, count) / count : mean
}

/** Σg², Σm², Σgm, Σd² and Σm² − Σg². */
function putProducts(golden: usize, goldenKind: i32, dump: usize, dumpKind: i32, count: i32): void {
  const gg = total(GOLDEN_SQUARES)
  const gd = total(GOLDEN_TIMES_GAP)
  const dd = total(GAP_SQUARES)
  let mm = gg + 2 * gd + dd
  let gm = gg + gd
  // A dump with a much smaller norm than the golden cancels out in these: compute its sums directly.
  if (mm < gg / 4) {
    multiplyPair(golden, goldenKind, dump, dumpKind, count)
    mm = total(DUMP_SQUARES)
    gm = total(PRODUCTS)
  }
  put(gg)
  put(mm)
  put(gm)
  put(dd)
  put(2 * gd + dd)
}

function counted(lanes: usize): i32 {
  return load<i32>(lanes) + load<i32>(lanes, 4) + load<i32>(lanes, 8) + load<i32>(lanes, 12)
}
