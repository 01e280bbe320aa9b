import { CONSTANTS, ROOTS } from './layout'

// V8 creates a splat of a constant again in every iteration of a loop, from integer registers. So constants are loaded
// from memory before the loop.

export const LOG2E: usize = 0
export const MAGIC: usize = 1
export const LN2: usize = 2
export const EPSILON: usize = 3
export const EXP: usize = 4
export const BREGMAN: usize = 6

/** 1.5·2⁵²: adding it rounds a number to a whole number, which is then in the low bits of the sum. */
export const ROUNDER: f64 = 6755399441055744.0

/** The same for multiples of 2⁻¹⁰: the low 10 bits of the sum select a root, the bits above are the exponent. */
export const ROOT_BITS: i32 = 10
export const ROOT_ROUNDER: f64 = ROUNDER / 1024

/** Leading coefficients of the two polynomials below, whose other coefficients are divided by them. */
export const EXP_LEAD: f64 = 0.24022650523924524
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
  // 2^r for |r| <= 1/2048: minimax of degree 2, relative error 1.7e-12.
  put(EXP, 2.8853901437501137)
  put(EXP + 1, 4.162737991813539)
  fillRoots()
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

/**
 * The bits of 2^(j/1024) for j from 0 to 1023, minus j·2⁴². Adding a multiple of 2⁻¹⁰, shifted left by 42, adds j·2⁴²
 * again and the whole part to the exponent.
 */
function fillRoots(): void {
  for (let j = 0; j < 1024; j++) store<f64>(ROOTS + (j << 3), 1)
  let root = 2.0
  for (let bit = 512; bit > 0; bit >>= 1) {
    root = Math.sqrt(root)
    for (let j = 0; j < 1024; j++) {
      if (j & bit) store<f64>(ROOTS + (j << 3), load<f64>(ROOTS + (j << 3)) * root)
    }
  }
  for (let j: i64 = 0; j < 1024; j++) {
    const at = ROOTS + ((<usize>j) << 3)
    store<i64>(at, load<i64>(at) - (j << 42))
  }
}

/** (r + a)·r + b. A polynomial as a product of these needs half of the multiplications, in short dependency chains. */
export function quadratic(r: v128, a: v128, b: v128): v128 {
  return f64x2.add(f64x2.mul(f64x2.add(r, a), r), b)
}

/** Two float32 as float64. */
export function two(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at))
}
