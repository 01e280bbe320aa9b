import { constant, EPSILON, LOG2E, two } from './constants'
import {
  ABSOLUTE_MAX,
  ABSOLUTE_SUM,
  DUMP_SUM,
  GAP_SQUARES,
  GAPS,
  GOLDEN_SQUARES,
  GOLDEN_SUM,
  GOLDEN_TIMES_GAP,
  REDUCED,
  RELATIVE_MAX,
  RELATIVE_SUM,
} from './layout'
import { padReduced, reduceTwo, rounderFor } from './weights'

// g is the golden, m the dump, d = m − g.

/** Stores g and d of a block as float64. */
export function spread(g: usize, m: usize, count: i32): void {
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16, g += 8, m += 8) {
    const golden = two(g)
    v128.store(at, golden, REDUCED)
    v128.store(at, f64x2.sub(two(m), golden), GAPS)
  }
}

/** Like `spread`, and adds up all products and sums. */
export function addProducts(g: usize, m: usize, count: i32): void {
  let goldenSquares = v128.load(GOLDEN_SQUARES)
  let goldenTimesGap = v128.load(GOLDEN_TIMES_GAP)
  let gapSquares = v128.load(GAP_SQUARES)
  let goldenSum = v128.load(GOLDEN_SUM)
  let dumpSum = v128.load(DUMP_SUM)
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16, g += 8, m += 8) {
    const golden = two(g)
    const dump = two(m)
    const gap = f64x2.sub(dump, golden)
    v128.store(at, golden, REDUCED)
    v128.store(at, gap, GAPS)
    dumpSum = f64x2.add(dumpSum, dump)
    goldenSum = f64x2.add(goldenSum, golden)
    gapSquares = f64x2.add(gapSquares, f64x2.mul(gap, gap))
    goldenTimesGap = f64x2.add(goldenTimesGap, f64x2.mul(golden, gap))
    goldenSquares = f64x2.add(goldenSquares, f64x2.mul(golden, golden))
  }
  v128.store(GOLDEN_SQUARES, goldenSquares)
  v128.store(GOLDEN_TIMES_GAP, goldenTimesGap)
  v128.store(GAP_SQUARES, gapSquares)
  v128.store(GOLDEN_SUM, goldenSum)
  v128.store(DUMP_SUM, dumpSum)
}

/**
 * Adds up the absolute and relative errors of a block, and reduces it like `reduce`. In one loop, since the divisions
 * take as long as everything else together and run in parallel to it.
 * @returns the largest |d|; Infinity if some |g| is at most 2⁻²³
 */
export function addErrors(count: i32, power: f64, shift: f64): f64 {
  const epsilon = constant(EPSILON)
  const log2e = constant(LOG2E)
  const rounder = rounderFor(power)
  const offset = f64x2.splat(-shift)
  let allCounted = i64x2.splat(-1)
  let most = f64x2.splat(0)
  let absoluteSum = v128.load(ABSOLUTE_SUM)
  let relativeSum = v128.load(RELATIVE_SUM)
  let relativeMax = v128.load(RELATIVE_MAX)
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16) {
    const golden = v128.load(at, REDUCED)
    const gap = v128.load(at, GAPS)
    const size = f64x2.abs(golden)
    const counted = f64x2.gt(size, epsilon)
    const absolute = v128.and(f64x2.abs(gap), counted)
    const relative = v128.and(f64x2.div(absolute, size), counted)
    reduceTwo(at, golden, gap, log2e, rounder, offset)
    allCounted = v128.and(allCounted, counted)
    absoluteSum = f64x2.add(absoluteSum, absolute)
    most = f64x2.pmax(most, absolute)
    relativeSum = f64x2.add(relativeSum, relative)
    relativeMax = f64x2.pmax(relativeMax, relative)
  }
  if (count & 1) padReduced(count)
  v128.store(ABSOLUTE_SUM, absoluteSum)
  v128.store(ABSOLUTE_MAX, f64x2.pmax(v128.load(ABSOLUTE_MAX), most))
  v128.store(RELATIVE_SUM, relativeSum)
  v128.store(RELATIVE_MAX, relativeMax)
  if (!i64x2.all_true(allCounted)) return Infinity
  return Math.max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1))
}
