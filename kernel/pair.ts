import { blockOf, pad, raisePair } from './block'
import { addBregman } from './bregman'
import { two } from './constants'
import { address, convert } from './convert'
import { note, scan, startExtremes } from './extremes'
import {
  BLOCK,
  BLOCK_EXTREMES,
  DUMP_BLOCK,
  DUMP_EXTREMES,
  DUMP_SQUARES,
  FIRST_MISMATCH,
  GOLDEN_BLOCK,
  GOLDEN_EXTREMES,
  GOLDEN_SQUARES,
  MISSED_MAX,
  PRODUCTS,
  RAISED,
  RUNNING_END,
} from './layout'
import { advance, dumpFloor, giveUp, goldenFloor, power, shift, startRunning } from './running'
import { addErrors, addProducts, spread } from './sums'
import { setSuppressedAside } from './suppressed'
import { reduce, weigh } from './weights'

/**
 * Leaves the sums, supports and extremes of two rows in memory. Each block goes through several short loops, each over
 * what the one before left in the L1 cache: short chains of dependent instructions keep more elements in flight than one
 * long loop does, and their sums and constants fit into the registers.
 */
export function sumPair(golden: usize, goldenKind: i32, dump: usize, dumpKind: i32, count: i32): void {
  memory.fill(GOLDEN_SQUARES, 0, RUNNING_END - GOLDEN_SQUARES)
  v128.store(MISSED_MAX, f32x4.splat(-Infinity))
  startExtremes(GOLDEN_EXTREMES)
  startExtremes(DUMP_EXTREMES)
  store<i32>(FIRST_MISMATCH, -1)
  startRunning()
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    let g = blockOf(golden, goldenKind, start, size, GOLDEN_BLOCK)
    let m = blockOf(dump, dumpKind, start, size, DUMP_BLOCK)
    if (size < BLOCK) {
      pad(g, size, load<f32>(g))
      pad(m, size, load<f32>(m))
    }
    scan(g, m, size)
    const goldenHigh = load<f32>(BLOCK_EXTREMES)
    const goldenLow = load<f32>(BLOCK_EXTREMES, 4)
    const dumpHigh = load<f32>(BLOCK_EXTREMES, 8)
    const dumpLow = load<f32>(BLOCK_EXTREMES, 12)
    note(GOLDEN_EXTREMES, goldenHigh, goldenLow, start)
    note(DUMP_EXTREMES, dumpHigh, dumpLow, start)
    const isRunning = advance(g, m, goldenHigh, dumpHigh)
    if (size < BLOCK) {
      pad(g, size, 0)
      pad(m, size, 0)
    }
    if (goldenLow === -Infinity || dumpLow === -Infinity) {
      setSuppressedAside(g, m, size, start)
      g = GOLDEN_BLOCK
      m = DUMP_BLOCK
    }
    addProducts(g, m, size)
    let most = addErrors(size, power, shift)
    if (!isRunning) continue
    if (goldenLow < goldenFloor || dumpLow < dumpFloor) {
      g = GOLDEN_BLOCK
      m = DUMP_BLOCK
      if (!raisePair(golden, goldenKind, dump, dumpKind, start, size, goldenFloor, dumpFloor)) giveUp()
      spread(g, m, size)
      reduce(size, power, shift)
      most = Infinity
      store<i32>(RAISED, 1)
    }
    weigh(size)
    addBregman(g, m, size, shift, most + Math.abs(shift))
  }
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
