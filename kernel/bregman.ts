import { BREGMAN, constant, LN2, LOG2E, MAGIC, quadratic } from './constants'
import { highest, lowest } from './extremes'
import { BREGMAN_REST, BREGMAN_WHOLE, GAPS, LINEAR, REDUCED, WEIGHTS } from './layout'

/** Up to this |x|, n is 0 in `reduceGaps`; with a margin for rounding of logits in the hundred thousands to float32. */
const NEAR: f32 = 0.32

/** Adds up Σw·x and Σw·f(x). @param most an upper bound of |x|; if it is large, every x is checked */
export function addBregman(g: usize, m: usize, count: i32, shift: f64, most: f64): void {
  if (most < NEAR || isNear(g, m, count, <f32>shift)) addReduced(GAPS, count, true)
  else {
    reduceGaps(count)
    addReduced(REDUCED, count, false)
  }
}

/**
 * Whether all gaps of a block are so small that n is 0 for each, since half of the work would then add zeros. Bytes
 * after a short block can only make the result false: a NaN there, as the second argument of pmax, does not change the
 * maximum.
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

/** f(r) for |r| <= ln 2/2, without the polynomial's leading coefficient. */
function bregman(r: v128, a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128): v128 {
  return f64x2.mul(
    f64x2.mul(quadratic(r, a0, b0), quadratic(r, a1, b1)),
    f64x2.mul(quadratic(r, a2, b2), f64x2.mul(f64x2.sub(a3, r), f64x2.mul(r, r))),
  )
}

/**
 * With x = r − n·ln 2 and W = w·2ⁿ: w·f(x) = W·f(r) + (W − w) − (W·r − w·x). Adds up all terms except the first, which
 * are exactly 0 if n is 0, and stores r and W for the first.
 */
function reduceGaps(count: i32): void {
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
    v128.store(at, scaled, WEIGHTS)
    linear = f64x2.add(linear, weighted)
    rest = f64x2.add(rest, f64x2.sub(f64x2.sub(scaled, weight), f64x2.sub(f64x2.mul(scaled, r), weighted)))
  }
  v128.store(LINEAR, linear)
  v128.store(BREGMAN_REST, rest)
}

/**
 * ΣW·f(r), without the polynomial's leading coefficient.
 * @param from address of the values r
 * @param areGaps whether r = x for all: then Σw·x is added up as well
 */
function addReduced(from: usize, count: i32, areGaps: bool): void {
  const a0 = constant(BREGMAN)
  const b0 = constant(BREGMAN + 1)
  const a1 = constant(BREGMAN + 2)
  const b1 = constant(BREGMAN + 3)
  const a2 = constant(BREGMAN + 4)
  const b2 = constant(BREGMAN + 5)
  const a3 = constant(BREGMAN + 6)
  const end = (<usize>count) << 3
  let whole = v128.load(BREGMAN_WHOLE)
  if (areGaps) {
    let linear = v128.load(LINEAR)
    for (let at: usize = 0; at < end; at += 16) {
      const r = v128.load(from + at)
      const weight = v128.load(at, WEIGHTS)
      linear = f64x2.add(linear, f64x2.mul(weight, r))
      whole = f64x2.add(whole, f64x2.mul(bregman(r, a0, b0, a1, b1, a2, b2, a3), weight))
    }
    v128.store(LINEAR, linear)
  } else {
    for (let at: usize = 0; at < end; at += 16) {
      const r = v128.load(from + at)
      whole = f64x2.add(whole, f64x2.mul(bregman(r, a0, b0, a1, b1, a2, b2, a3), v128.load(at, WEIGHTS)))
    }
  }
  v128.store(BREGMAN_WHOLE, whole)
}
