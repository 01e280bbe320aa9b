import { blockOf, pad } from './block'
import { constant, EXP_LEAD, MAGIC, ROOT_ROUNDER, two } from './constants'
import { FLOAT32 } from './convert'
import { highest, lowest } from './extremes'
import { BLOCK, EXPONENTS, GAPS, GOLDEN_BLOCK, MASS, REDUCED, SUMMARY, WEIGHTS } from './layout'
import { total } from './totals'
import { weigh } from './weights'

// The sums that a compact snapshot keeps of a row, and the row as integers, from which sketch.ts computes its sketches. The
// row is float32. The same in TypeScript: src/metrics/sketches/typescript-sketches.ts.

/** A lower power of two could underflow; with this one, an element has no influence on a sum that contains 1. */
const LEAST_POWER: f64 = -1000

/** A block of float32, padded to a multiple of eight. */
function paddedBlock(row: usize, start: i32, size: i32, value: f32): usize {
  const block = blockOf(row, FLOAT32, start, size, GOLDEN_BLOCK)
  if (size < BLOCK) pad(block, size, value)
  return block
}

function roundedUp(size: i32): i32 {
  return (size + 7) & ~7
}

/** Writes 2^y, divided by the polynomial's leading coefficient, to WEIGHTS for y = (x − max)·factor, and x − max to GAPS. */
function exponentials(block: usize, count: i32, max: f64, factor: f64): void {
  const least = f64x2.splat(LEAST_POWER)
  const factors = f64x2.splat(factor)
  const origin = f64x2.splat(max)
  const rounder = f64x2.splat(ROOT_ROUNDER)
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16, block += 8) {
    const gap = f64x2.sub(two(block), origin)
    // A NaN becomes the least power.
    const y = f64x2.pmax(least, f64x2.mul(gap, factors))
    const whole = f64x2.add(y, rounder)
    v128.store(at, gap, GAPS)
    v128.store(at, f64x2.sub(y, f64x2.sub(whole, rounder)), REDUCED)
    v128.store(at, whole, EXPONENTS)
  }
  weigh(count)
}

/** Σ exp(x − max) */
export function sumExponentials(row: usize, count: i32, max: f64): f64 {
  memory.fill(MASS, 0, 16)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    exponentials(paddedBlock(row, start, size, -Infinity), roundedUp(size), max, Math.LOG2E)
  }
  return total(MASS) * EXP_LEAD
}

/** Writes the number, Σx, Σx², the minimum and the maximum of the elements in [least, most]. NaN is in no interval. */
export function sumBetween(row: usize, from: i32, to: i32, least: f32, most: f32): void {
  const low = f32x4.splat(least)
  const high = f32x4.splat(most)
  let counted = i32x4.splat(0)
  let sum = f64x2.splat(0)
  let squares = f64x2.splat(0)
  let minimum = f32x4.splat(Infinity)
  let maximum = f32x4.splat(-Infinity)
  for (let start = from; start < to; start += BLOCK) {
    const size = min(to - start, BLOCK)
    let block = paddedBlock(row, start, size, NaN)
    for (const end = block + ((<usize>roundedUp(size)) << 2); block < end; block += 16) {
      const four = v128.load(block)
      const inside = v128.and(f32x4.ge(four, low), f32x4.le(four, high))
      const kept = v128.and(four, inside)
      const a = f64x2.promote_low_f32x4(kept)
      const b = f64x2.promote_low_f32x4(i64x2.shuffle(kept, kept, 1, 0))
      counted = i32x4.sub(counted, inside)
      sum = f64x2.add(sum, f64x2.add(a, b))
      squares = f64x2.add(squares, f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b)))
      minimum = f32x4.pmin(minimum, v128.bitselect(four, minimum, inside))
      maximum = f32x4.pmax(maximum, v128.bitselect(four, maximum, inside))
    }
  }
  const pairs = i32x4.add(counted, i64x2.shuffle(counted, counted, 1, 0))
  store<f64>(SUMMARY, <f64>(i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)))
  store<f64>(SUMMARY, f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1), 8)
  store<f64>(SUMMARY, f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1), 16)
  store<f64>(SUMMARY, <f64>lowest(minimum), 24)
  store<f64>(SUMMARY, <f64>highest(maximum), 32)
}

/** Four numbers of at most 2¹⁵ − 1 as integers: rounded in float64, to nearest even. */
function integers(a: v128, b: v128, magic: v128): v128 {
  return i32x4.shuffle(f64x2.add(a, magic), f64x2.add(b, magic), 0, 2, 4, 6)
}

/** (x − center)·scale as integers; 0 for elements below `least`. */
function centered(four: v128, low: v128, center: v128, scale: v128, magic: v128): v128 {
  const a = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(four), center), scale)
  const b = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(i64x2.shuffle(four, four, 1, 0)), center), scale)
  return v128.and(integers(a, b, magic), f32x4.ge(four, low))
}

/** Writes (x − center)·scale as integers of 16 bits; 0 for elements below `least`. Writes up to seven more integers. */
export function quantiseCentered(row: usize, count: i32, least: f32, center: f64, scale: f64, to: usize): void {
  const floor = f32x4.splat(least)
  const origin = f64x2.splat(center)
  const scales = f64x2.splat(scale)
  const magic = constant(MAGIC)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    let block = paddedBlock(row, start, size, NaN)
    for (const end = block + ((<usize>roundedUp(size)) << 2); block < end; block += 32, to += 16) {
      const a = centered(v128.load(block), floor, origin, scales, magic)
      const b = centered(v128.load(block, 16), floor, origin, scales, magic)
      v128.store(to, i16x8.narrow_i32x4_s(a, b))
    }
  }
}

/**
 * Writes exp((x − max)/2)·scale as integers of 16 bits; 0 for NaN and elements below `least`. Writes up to seven more integers.
 * Writes Σ exp(x − max) and Σ exp(x − max)·(x − max) to SUMMARY.
 */
export function quantiseRoots(row: usize, from: i32, to: i32, least: f32, max: f64, scale: f64, to16: usize): void {
  const floor = f32x4.splat(least)
  const lead = f64x2.splat(EXP_LEAD)
  const scales = f64x2.splat(scale)
  const magic = constant(MAGIC)
  let mass = f64x2.splat(0)
  let entropy = f64x2.splat(0)
  let out = to16 + ((<usize>from) << 1)
  for (let start = from; start < to; start += BLOCK) {
    const size = min(to - start, BLOCK)
    const block = paddedBlock(row, start, size, NaN)
    exponentials(block, roundedUp(size), max, Math.LOG2E / 2)
    for (let i: usize = 0; i < (<usize>roundedUp(size)) << 2; i += 32, out += 16) {
      let first = i32x4.splat(0)
      let second = first
      for (let part: usize = 0; part < 32; part += 16) {
        const inside = f32x4.ge(v128.load(block + i + part), floor)
        const at = (i + part) << 1
        const insideA = i32x4.shuffle(inside, inside, 0, 0, 1, 1)
        const insideB = i32x4.shuffle(inside, inside, 2, 2, 3, 3)
        const a = v128.and(f64x2.mul(v128.load(at, WEIGHTS), lead), insideA)
        const b = v128.and(f64x2.mul(v128.load(at + 16, WEIGHTS), lead), insideB)
        const massA = f64x2.mul(a, a)
        const massB = f64x2.mul(b, b)
        const gapA = v128.and(v128.load(at, GAPS), insideA)
        const gapB = v128.and(v128.load(at + 16, GAPS), insideB)
        mass = f64x2.add(mass, f64x2.add(massA, massB))
        entropy = f64x2.add(entropy, f64x2.add(f64x2.mul(massA, gapA), f64x2.mul(massB, gapB)))
        const four = integers(f64x2.mul(a, scales), f64x2.mul(b, scales), magic)
        if (part === 0) first = four
        else second = four
      }
      v128.store(out, i16x8.narrow_i32x4_s(first, second))
    }
  }
  store<f64>(SUMMARY, f64x2.extract_lane(mass, 0) + f64x2.extract_lane(mass, 1))
  store<f64>(SUMMARY, f64x2.extract_lane(entropy, 0) + f64x2.extract_lane(entropy, 1), 8)
}
