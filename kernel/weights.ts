import { constant, EXP, LOG2E, quadratic, ROOT_BITS, ROOT_ROUNDER } from './constants'
import { EXPONENTS, GAPS, MASS, REDUCED, ROOTS, WEIGHTS } from './layout'

/** From g and d computes y = g·log₂e − power, as the nearest multiple of 2⁻¹⁰ and the rest, and x = −d − shift. */
export function reduce(count: i32, power: f64, shift: f64): void {
  const log2e = constant(LOG2E)
  const rounder = rounderFor(power)
  const offset = f64x2.splat(-shift)
  for (let at: usize = 0, end = (<usize>count) << 3; at < end; at += 16) {
    reduceTwo(at, v128.load(at, REDUCED), v128.load(at, GAPS), log2e, rounder, offset)
  }
  if (count & 1) padReduced(count)
}

export function rounderFor(power: f64): v128 {
  return f64x2.splat(ROOT_ROUNDER - power)
}

export function reduceTwo(at: usize, golden: v128, gap: v128, log2e: v128, rounder: v128, offset: v128): void {
  const y = f64x2.mul(golden, log2e)
  const whole = f64x2.add(y, rounder)
  v128.store(at, f64x2.sub(y, f64x2.sub(whole, rounder)), REDUCED)
  v128.store(at, whole, EXPONENTS)
  v128.store(at, f64x2.sub(offset, gap), GAPS)
}

/** Adds an element without weight and gap to a block of odd length. Without a gap, zero sums stay exactly zero. */
export function padReduced(count: i32): void {
  const at = (<usize>count) << 3
  store<f64>(at, 0, REDUCED)
  store<f64>(at, ROOT_ROUNDER - 900, EXPONENTS)
  store<f64>(at, 0, GAPS)
}

/** Replaces the exponents by w = 2^y, divided by the polynomial's leading coefficient. */
export function weigh(count: i32): void {
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

/** The offset of the root that the low bits of an exponent select. */
function rootAt(exponent: usize): usize {
  return (<usize>load<u16>(exponent, EXPONENTS) & 1023) << 3
}
