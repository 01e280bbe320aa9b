import { BREGMAN, constant, EXP, LN2, LOG2E, MAGIC, quadratic, ROOT_BITS, ROOT_ROUNDER, two } from './constants'
import { address, convert } from './convert'
import {
  BLOCK,
  BREGMAN_REST,
  BREGMAN_WHOLE,
  DUMP_BLOCK,
  EXPONENTS,
  GAPS,
  GOLDEN_BLOCK,
  LINEAR,
  MASS,
  REDUCED,
  ROOTS,
  WEIGHTS,
} from './layout'
import { pad } from './pad'
import { blockOf, highest, lowest } from './pair'

// The second pass: the sums of `divergence.ts` in src/metrics, by the same formulas. w = e^g over some constant, which
// cancels; x = (g − m) − shift. Several short loops, each over one block: short chains of dependent instructions keep
// more elements in flight than one long loop does, and their constants fit into the registers.

/**
 * Σw, Σwx and Σw·f(x), f(x) = e⁻ˣ − 1 + x. Logits below `goldenFloor` or `dumpFloor` count as those: there must be no
 * weight in them. In a row with floors the golden must be within 700 of its maximum, and x within ±690.
 * @param power the golden's maximum in powers of two, a whole number
 */
export function sumDivergence(
  golden: usize,
  goldenKind: i32,
  dump: usize,
  dumpKind: i32,
  count: i32,
  power: f64,
  shift: f64,
  goldenFloor: f32,
  dumpFloor: f32,
): void {
  memory.fill(MASS, 0, BREGMAN_REST + 16 - MASS)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    const g = flooredBlock(golden, goldenKind, start, size, GOLDEN_BLOCK, goldenFloor)
    const m = flooredBlock(dump, dumpKind, start, size, DUMP_BLOCK, dumpFloor)
    reduce(g, m, size, power, shift)
    if (size & 1) padReduced(size)
    weigh(size)
    if (isNear(g, m, size, <f32>shift)) addNear(size)
    else {
      addGaps(size)
      addBregman(size)
    }
  }
}

/** |x| up to which n is 0 below, less what float32 may round away of logits in the hundred thousands. */
const NEAR: f32 = 0.32

/**
 * Whether all gaps of a block are so small that n is 0 for each: then half of the work would add zeros. What lies behind a
 * short block can only make it far: a NaN there, as the second argument, changes no maximum.
 */
function isNear(g: usize, m: usize, count: i32, shift: f32): bool {
  let most = f32x4.splat(shift)
  let least = most
  for (const end = g + ((<usize>count) << 2); g < end; g += 32, m += 32) {
    const gap = f32x4.sub(v128.load(g), v128.load(m))
    const next = f32x4.sub(v128.load(g, 16), v128.load(m, 16))
    most = f32x4.pmax(most, f32x4.pmax(gap, next))
    least = f32x4.pmin(least, f32x4.pmin(gap, next))
  }
  return highest(most) - shift < NEAR && shift - lowest(least) < NEAR
}

function flooredBlock(row: usize, kind: i32, start: i32, size: i32, room: usize, floor: f32): usize {
  if (floor === -Infinity) return blockOf(row, kind, start, size, room)
  convert(kind, address(row, kind, start), room, size)
  const low = f32x4.splat(floor)
  for (let i: usize = 0; i < (<usize>size) << 2; i += 16) v128.store(room + i, f32x4.pmax(v128.load(room + i), low))
  return room
}

/** y = g·log₂e − power as its nearest multiple of 2⁻¹⁰ and the rest, and x. */
function reduce(g: usize, m: usize, count: i32, power: f64, shift: f64): void {
  const log2e = constant(LOG2E)
  const rounder = f64x2.splat(ROOT_ROUNDER - power)
  const offset = f64x2.splat(shift)
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16, g += 8, m += 8) {
    const golden = two(g)
    const y = f64x2.mul(golden, log2e)
    const whole = f64x2.add(y, rounder)
    v128.store(at, f64x2.sub(y, f64x2.sub(whole, rounder)), REDUCED)
    v128.store(at, whole, EXPONENTS)
    v128.store(at, f64x2.sub(f64x2.sub(golden, two(m)), offset), GAPS)
  }
}

/** Makes an odd block even by an element that has no weight, and no gap either: zeros stay exactly zero. */
function padReduced(count: i32): void {
  const at = (<usize>count) << 3
  store<f64>(at, 0, REDUCED)
  store<f64>(at, ROOT_ROUNDER - 900, EXPONENTS)
  store<f64>(at, 0, GAPS)
}

/** w = 2^y, without the polynomial's leading coefficient. */
function weigh(count: i32): void {
  const a = constant(EXP)
  const b = constant(EXP + 1)
  let mass = v128.load(MASS)
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16) {
    const roots = v128.load64_lane(rootAt(at + 8), v128.load64_zero(rootAt(at), ROOTS), 1, ROOTS)
    const scale = i64x2.add(roots, i64x2.shl(v128.load(at, EXPONENTS), 52 - ROOT_BITS))
    const weight = f64x2.mul(quadratic(v128.load(at, REDUCED), a, b), scale)
    v128.store(at, weight, WEIGHTS)
    mass = f64x2.add(mass, weight)
  }
  v128.store(MASS, mass)
}

/** Where the root lies that the low bits of an exponent choose. */
function rootAt(exponent: usize): usize {
  return (<usize>load<u16>(exponent, EXPONENTS) & 1023) << 3
}

/** Σw·x and Σw·f(x), without the polynomial's leading coefficient, where n is 0: to the bit what the two below come to. */
function addNear(count: i32): void {
  const a0 = constant(BREGMAN)
  const b0 = constant(BREGMAN + 1)
  const a1 = constant(BREGMAN + 2)
  const b1 = constant(BREGMAN + 3)
  const a2 = constant(BREGMAN + 4)
  const b2 = constant(BREGMAN + 5)
  const a3 = constant(BREGMAN + 6)
  let linear = v128.load(LINEAR)
  let whole = v128.load(BREGMAN_WHOLE)
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16) {
    const x = v128.load(at, GAPS)
    const weight = v128.load(at, WEIGHTS)
    linear = f64x2.add(linear, f64x2.mul(weight, x))
    whole = f64x2.add(whole, f64x2.mul(bregman(x, a0, b0, a1, b1, a2, b2, a3), weight))
  }
  v128.store(LINEAR, linear)
  v128.store(BREGMAN_WHOLE, whole)
}

/** f(r) for |r| <= ln 2/2, without the polynomial's leading coefficient. */
function bregman(r: v128, a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128): v128 {
  return f64x2.mul(
    f64x2.mul(quadratic(r, a0, b0), quadratic(r, a1, b1)),
    f64x2.mul(quadratic(r, a2, b2), f64x2.mul(f64x2.sub(a3, r), f64x2.mul(r, r))),
  )
}

/**
 * With x = r − n·ln 2 and W = w·2ⁿ: w·f(x) = W·f(r) + (W − w) − (W·r − w·x). Sums up all but the first term, which are
 * exactly 0 where n is, and leaves r and W for it.
 */
function addGaps(count: i32): void {
  const log2e = constant(LOG2E)
  const magic = constant(MAGIC)
  const ln2 = constant(LN2)
  let linear = v128.load(LINEAR)
  let rest = v128.load(BREGMAN_REST)
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16) {
    const x = v128.load(at, GAPS)
    const weight = v128.load(at, WEIGHTS)
    const whole = f64x2.sub(magic, f64x2.mul(x, log2e))
    const r = f64x2.add(x, f64x2.mul(f64x2.sub(whole, magic), ln2))
    const scaled = i64x2.add(weight, i64x2.shl(whole, 52))
    const weighted = f64x2.mul(weight, x)
    v128.store(at, r, REDUCED)
    v128.store(at, scaled, EXPONENTS)
    linear = f64x2.add(linear, weighted)
    rest = f64x2.add(rest, f64x2.sub(f64x2.sub(scaled, weight), f64x2.sub(f64x2.mul(scaled, r), weighted)))
  }
  v128.store(LINEAR, linear)
  v128.store(BREGMAN_REST, rest)
}

/** ΣW·f(r), without the polynomial's leading coefficient. */
function addBregman(count: i32): void {
  const a0 = constant(BREGMAN)
  const b0 = constant(BREGMAN + 1)
  const a1 = constant(BREGMAN + 2)
  const b1 = constant(BREGMAN + 3)
  const a2 = constant(BREGMAN + 4)
  const b2 = constant(BREGMAN + 5)
  const a3 = constant(BREGMAN + 6)
  let whole = v128.load(BREGMAN_WHOLE)
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16) {
    const f = bregman(v128.load(at, REDUCED), a0, b0, a1, b1, a2, b2, a3)
    whole = f64x2.add(whole, f64x2.mul(f, v128.load(at, EXPONENTS)))
  }
  v128.store(BREGMAN_WHOLE, whole)
}

/** Σe^g in units of the polynomial's leading coefficient and of 2^power. Logits below `floor` count as that. */
export function sumMass(row: usize, kind: i32, count: i32, power: f64, floor: f32): void {
  memory.fill(MASS, 0, 16)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    const block = flooredBlock(row, kind, start, size, GOLDEN_BLOCK, floor)
    reduce(block, block, size, power, 0)
    if (size & 1) padReduced(size)
    weigh(size)
  }
}

/** Whether the dump is below `dumpFloor` at an id where the golden is above `goldenFloor`. */
export function missesWeight(
  golden: usize,
  goldenKind: i32,
  dump: usize,
  dumpKind: i32,
  count: i32,
  goldenFloor: f32,
  dumpFloor: f32,
): bool {
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    convert(goldenKind, address(golden, goldenKind, start), GOLDEN_BLOCK, size)
    convert(dumpKind, address(dump, dumpKind, start), DUMP_BLOCK, size)
    pad(GOLDEN_BLOCK, size, -Infinity)
    const goldenLow = f32x4.splat(goldenFloor)
    const dumpLow = f32x4.splat(dumpFloor)
    let missed = i32x4.splat(0)
    for (let i: usize = 0; i < (<usize>size) << 2; i += 16) {
      const weighty = f32x4.gt(v128.load(i, GOLDEN_BLOCK), goldenLow)
      missed = v128.or(missed, v128.and(weighty, f32x4.lt(v128.load(i, DUMP_BLOCK), dumpLow)))
    }
    if (v128.any_true(missed)) return true
  }
  return false
}
