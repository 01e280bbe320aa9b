import { CONSTANTS } from './layout'

// V8 builds a splat of a constant anew in every turn of a loop, from integer registers: what a loop needs is loaded
// from memory in front of it.

export const LOG2E: usize = 0
export const MAGIC: usize = 1
export const LN2: usize = 2
export const EPSILON: usize = 3
export const MAGNITUDE: usize = 4
export const EXP: usize = 5
export const BREGMAN: usize = 13

/** 1.5·2⁵²: added to a number it rounds it to a whole one, which stands in the low bits of the sum. */
export const ROUNDER: f64 = 6755399441055744.0

/** Leading coefficients of the two polynomials below, which are kept without. */
export const EXP_LEAD: f64 = 1.3175855910782773e-6
export const BREGMAN_LEAD: f64 = 2.7577354408850636e-6

function put(index: usize, value: f64): void {
  v128.store(CONSTANTS + (index << 4), f64x2.splat(value))
}

export function constant(index: usize): v128 {
  return v128.load(CONSTANTS + (index << 4))
}

export function init(): void {
  put(LOG2E, Math.LOG2E)
  put(MAGIC, ROUNDER)
  put(LN2, Math.LN2)
  put(EPSILON, 1.1920928955078125e-7)
  v128.store(CONSTANTS + (MAGNITUDE << 4), i64x2.splat(i64.MAX_VALUE))
  // 2^r for |r| <= 1/2: minimax of degree 8, relative error 7.8e-13, as a product of (r + a)·r + b.
  put(EXP, 8.589865298337534)
  put(EXP + 1, 19.799623569224174)
  put(EXP + 2, 6.624110475423942)
  put(EXP + 3, 22.671990893337515)
  put(EXP + 4, 2.2892611157707674)
  put(EXP + 5, 30.801306501245747)
  put(EXP + 6, -5.883697844586299)
  put(EXP + 7, 54.89154222315567)
  // (e⁻ʳ − 1 + r)/r² for |r| <= ln 2/2: minimax of degree 7, relative error 9.0e-13, as a product of three of the same
  // form and (a − r).
  put(BREGMAN, -8.095077681016134)
  put(BREGMAN + 1, 30.098684703179053)
  put(BREGMAN + 2, 5.79230219779785)
  put(BREGMAN + 3, 36.5546501484848)
  put(BREGMAN + 4, -1.2227935534783565)
  put(BREGMAN + 5, 30.005712953433154)
  put(BREGMAN + 6, 5.491908642972176)
}

/** (r + a)·r + b: polynomials as products of these take half of the multiplications and short chains. */
export function quadratic(r: v128, a: v128, b: v128): v128 {
  return f64x2.add(f64x2.mul(f64x2.add(r, a), r), b)
}

/** Two float32 as float64. */
export function two(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at))
}
