import { EPSILON, two } from './constants'
import { address, convert, FLOAT32 } from './convert'
import {
  ABSOLUTE_MAX,
  ABSOLUTE_SUM,
  BLOCK,
  BLOCK_EXTREMES,
  BOTH_SUPPRESSED,
  CONSTANTS,
  DUMP_BLOCK,
  DUMP_EXTREMES,
  DUMP_ONLY,
  DUMP_SQUARES,
  DUMP_SUM,
  FIRST_MISMATCH,
  GAP_SQUARES,
  GOLDEN_BLOCK,
  GOLDEN_EXTREMES,
  GOLDEN_ONLY,
  GOLDEN_SQUARES,
  GOLDEN_SUM,
  GOLDEN_TIMES_GAP,
  MISSED_MAX,
  PRODUCTS,
  RELATIVE_MAX,
  RELATIVE_SUM,
} from './layout'
import { pad } from './pad'

// The first pass over a pair of rows: all that takes no exponential. g is the golden, m the dump, d = m − g.

/** Leaves the sums, supports and extremes of two rows in memory. */
export function sumPair(golden: usize, goldenKind: i32, dump: usize, dumpKind: i32, count: i32): void {
  memory.fill(GOLDEN_SQUARES, 0, MISSED_MAX - GOLDEN_SQUARES)
  v128.store(MISSED_MAX, f32x4.splat(-Infinity))
  startExtremes(GOLDEN_EXTREMES)
  startExtremes(DUMP_EXTREMES)
  store<i32>(FIRST_MISMATCH, -1)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    let g = blockOf(golden, goldenKind, start, size, GOLDEN_BLOCK)
    let m = blockOf(dump, dumpKind, start, size, DUMP_BLOCK)
    if (size < BLOCK) {
      pad(g, size, load<f32>(g))
      pad(m, size, load<f32>(m))
    }
    scan(g, m, size)
    const goldenLow = note(GOLDEN_EXTREMES, BLOCK_EXTREMES, start)
    const dumpLow = note(DUMP_EXTREMES, BLOCK_EXTREMES + 8, start)
    if (size < BLOCK) {
      pad(g, size, 0)
      pad(m, size, 0)
    }
    if (goldenLow === -Infinity || dumpLow === -Infinity) {
      setSuppressedAside(g, m, size, start)
      g = GOLDEN_BLOCK
      m = DUMP_BLOCK
    }
    sumBlock(g, m, size)
  }
}

/** A block as float32: where it lies if it is that already, else converted. The last, shorter one can always be padded. */
export function blockOf(row: usize, kind: i32, start: i32, size: i32, room: usize): usize {
  const from = address(row, kind, start)
  if (kind === FLOAT32 && size === BLOCK) return from
  convert(kind, from, room, size)
  return room
}

/** The maximum, the minimum, and the start of the first block that holds the maximum. */
function startExtremes(extremes: usize): void {
  store<f32>(extremes, -Infinity)
  store<f32>(extremes, Infinity, 4)
  store<i32>(extremes, 0, 8)
}

/** Takes a block's extremes into those of its row; returns the block's minimum. */
function note(extremes: usize, found: usize, start: i32): f32 {
  const high = load<f32>(found)
  const low = load<f32>(found, 4)
  if (high > load<f32>(extremes)) {
    store<f32>(extremes, high)
    store<i32>(extremes, start, 8)
  }
  if (low < load<f32>(extremes, 4)) store<f32>(extremes, low, 4)
  return low
}

/** Maximum and minimum of two blocks, NaN aside. */
function scan(g: usize, m: usize, count: i32): void {
  let goldenHigh = v128.load(g)
  let goldenLow = goldenHigh
  let dumpHigh = v128.load(m)
  let dumpLow = dumpHigh
  let goldenHigh2 = goldenHigh
  let goldenLow2 = goldenLow
  let dumpHigh2 = dumpHigh
  let dumpLow2 = dumpLow
  for (const end = g + ((<usize>count) << 2); g < end; g += 32, m += 32) {
    let value = v128.load(g)
    goldenHigh = f32x4.pmax(goldenHigh, value)
    goldenLow = f32x4.pmin(goldenLow, value)
    value = v128.load(g, 16)
    goldenHigh2 = f32x4.pmax(goldenHigh2, value)
    goldenLow2 = f32x4.pmin(goldenLow2, value)
    value = v128.load(m)
    dumpHigh = f32x4.pmax(dumpHigh, value)
    dumpLow = f32x4.pmin(dumpLow, value)
    value = v128.load(m, 16)
    dumpHigh2 = f32x4.pmax(dumpHigh2, value)
    dumpLow2 = f32x4.pmin(dumpLow2, value)
  }
  store<f32>(BLOCK_EXTREMES, highest(f32x4.pmax(goldenHigh, goldenHigh2)))
  store<f32>(BLOCK_EXTREMES, lowest(f32x4.pmin(goldenLow, goldenLow2)), 4)
  store<f32>(BLOCK_EXTREMES, highest(f32x4.pmax(dumpHigh, dumpHigh2)), 8)
  store<f32>(BLOCK_EXTREMES, lowest(f32x4.pmin(dumpLow, dumpLow2)), 12)
}

export function highest(four: v128): f32 {
  const pairs = f32x4.pmax(four, i64x2.shuffle(four, four, 1, 0))
  return f32x4.extract_lane(f32x4.pmax(pairs, i32x4.shuffle(pairs, pairs, 1, 0, 3, 2)), 0)
}

export function lowest(four: v128): f32 {
  const pairs = f32x4.pmin(four, i64x2.shuffle(four, four, 1, 0))
  return f32x4.extract_lane(f32x4.pmin(pairs, i32x4.shuffle(pairs, pairs, 1, 0, 3, 2)), 0)
}

/**
 * Copies a block in which a side is −Inf somewhere, with 0 there on both sides, which no sum over pairs feels. Counts
 * what is suppressed, and minds what is lost so: a logit's part in its own row's sum, and the golden's maximum where the
 * dump is suppressed.
 */
function setSuppressedAside(g: usize, m: usize, count: i32, start: i32): void {
  const suppressed = f32x4.splat(-Infinity)
  let both = v128.load(BOTH_SUPPRESSED)
  let goldenOnly = v128.load(GOLDEN_ONLY)
  let dumpOnly = v128.load(DUMP_ONLY)
  let goldenSum = v128.load(GOLDEN_SUM)
  let dumpSum = v128.load(DUMP_SUM)
  let missed = v128.load(MISSED_MAX)
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) {
    const golden = v128.load(g + i)
    const dump = v128.load(m + i)
    const inGolden = f32x4.eq(golden, suppressed)
    const inDump = f32x4.eq(dump, suppressed)
    const inEither = v128.or(inGolden, inDump)
    const inOne = v128.xor(inGolden, inDump)
    if (load<i32>(FIRST_MISMATCH) < 0 && v128.any_true(inOne)) {
      store<i32>(FIRST_MISMATCH, start + <i32>(i >> 2) + ctz(i32x4.bitmask(inOne)))
    }
    both = i32x4.sub(both, v128.and(inGolden, inDump))
    goldenOnly = i32x4.sub(goldenOnly, v128.and(inGolden, inOne))
    dumpOnly = i32x4.sub(dumpOnly, v128.and(inDump, inOne))
    goldenSum = f64x2.add(goldenSum, sumOfFour(v128.andnot(v128.and(golden, inOne), inGolden)))
    dumpSum = f64x2.add(dumpSum, sumOfFour(v128.andnot(v128.and(dump, inOne), inDump)))
    missed = f32x4.pmax(missed, v128.bitselect(golden, suppressed, inDump))
    v128.store(i, v128.andnot(golden, inEither), GOLDEN_BLOCK)
    v128.store(i, v128.andnot(dump, inEither), DUMP_BLOCK)
  }
  v128.store(BOTH_SUPPRESSED, both)
  v128.store(GOLDEN_ONLY, goldenOnly)
  v128.store(DUMP_ONLY, dumpOnly)
  v128.store(GOLDEN_SUM, goldenSum)
  v128.store(DUMP_SUM, dumpSum)
  v128.store(MISSED_MAX, missed)
}

/** Four float32 as the two float64 that they sum up to. */
function sumOfFour(four: v128): v128 {
  return f64x2.add(f64x2.promote_low_f32x4(four), f64x2.promote_low_f32x4(i64x2.shuffle(four, four, 1, 0)))
}

/** One loop and one division for all sums: it is about as many registers as there are. */
function sumBlock(g: usize, m: usize, count: i32): void {
  let goldenSquares = v128.load(GOLDEN_SQUARES)
  let goldenTimesGap = v128.load(GOLDEN_TIMES_GAP)
  let gapSquares = v128.load(GAP_SQUARES)
  let goldenSum = v128.load(GOLDEN_SUM)
  let dumpSum = v128.load(DUMP_SUM)
  let absoluteSum = v128.load(ABSOLUTE_SUM)
  let absoluteMax = v128.load(ABSOLUTE_MAX)
  let relativeSum = v128.load(RELATIVE_SUM)
  let relativeMax = v128.load(RELATIVE_MAX)
  for (const end = g + ((<usize>count) << 2); g < end; g += 8, m += 8) {
    const golden = two(g)
    const dump = two(m)
    const gap = f64x2.sub(dump, golden)
    dumpSum = f64x2.add(dumpSum, dump)
    goldenSum = f64x2.add(goldenSum, golden)
    gapSquares = f64x2.add(gapSquares, f64x2.mul(gap, gap))
    goldenTimesGap = f64x2.add(goldenTimesGap, f64x2.mul(golden, gap))
    goldenSquares = f64x2.add(goldenSquares, f64x2.mul(golden, golden))
    // Left in memory: there is no register left.
    const epsilon = v128.load(CONSTANTS, EPSILON << 4)
    const size = f64x2.abs(golden)
    const counted = f64x2.gt(size, epsilon)
    const absolute = v128.and(f64x2.abs(gap), counted)
    absoluteSum = f64x2.add(absoluteSum, absolute)
    absoluteMax = f64x2.pmax(absoluteMax, absolute)
    const relative = v128.and(f64x2.div(absolute, size), counted)
    relativeSum = f64x2.add(relativeSum, relative)
    relativeMax = f64x2.pmax(relativeMax, relative)
  }
  v128.store(GOLDEN_SQUARES, goldenSquares)
  v128.store(GOLDEN_TIMES_GAP, goldenTimesGap)
  v128.store(GAP_SQUARES, gapSquares)
  v128.store(GOLDEN_SUM, goldenSum)
  v128.store(DUMP_SUM, dumpSum)
  v128.store(ABSOLUTE_SUM, absoluteSum)
  v128.store(ABSOLUTE_MAX, absoluteMax)
  v128.store(RELATIVE_SUM, relativeSum)
  v128.store(RELATIVE_MAX, relativeMax)
}

/** Σm² and Σgm by themselves, for rows of which one is so short that it is lost in the sums of d. */
export function multiplyPair(golden: usize, goldenKind: i32, dump: usize, dumpKind: i32, count: i32): void {
  let squares = f64x2.splat(0)
  let products = f64x2.splat(0)
  const suppressed = f32x4.splat(-Infinity)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    convert(goldenKind, address(golden, goldenKind, start), GOLDEN_BLOCK, size)
    convert(dumpKind, address(dump, dumpKind, start), DUMP_BLOCK, size)
    pad(GOLDEN_BLOCK, size, 0)
    pad(DUMP_BLOCK, size, 0)
    for (let i: usize = 0; i < (<usize>size) << 2; i += 16) {
      const g = v128.load(i, GOLDEN_BLOCK)
      const m = v128.load(i, DUMP_BLOCK)
      const aside = v128.or(f32x4.eq(g, suppressed), f32x4.eq(m, suppressed))
      v128.store(i, v128.andnot(g, aside), GOLDEN_BLOCK)
      v128.store(i, v128.andnot(m, aside), DUMP_BLOCK)
    }
    for (let i: usize = 0; i < (<usize>size) << 2; i += 8) {
      const g = two(GOLDEN_BLOCK + i)
      const m = two(DUMP_BLOCK + i)
      squares = f64x2.add(squares, f64x2.mul(m, m))
      products = f64x2.add(products, f64x2.mul(g, m))
    }
  }
  v128.store(DUMP_SQUARES, squares)
  v128.store(PRODUCTS, products)
}

/** One logit as float32. */
export function logitAt(row: usize, kind: i32, index: i32): f32 {
  convert(kind, address(row, kind, index), GOLDEN_BLOCK, 1)
  return load<f32>(GOLDEN_BLOCK)
}

/** The lowest id from `start` on whose logit is `value`, which must be there. */
export function find(row: usize, kind: i32, start: i32, count: i32, value: f32): i32 {
  for (; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    convert(kind, address(row, kind, start), GOLDEN_BLOCK, size)
    for (let i = 0; i < size; i++) {
      if (load<f32>(GOLDEN_BLOCK + ((<usize>i) << 2)) === value) return start + i
    }
  }
  return -1
}
