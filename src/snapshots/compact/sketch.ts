import { DEVIATION } from '../../metrics/sketches/random-vectors.js'
import type { Interval } from '../../metrics/types.js'
import { float32Above } from './float32.js'
import { ROUNDING } from './interval.js'

// A sketch is the scalar products of a vector with n fixed random vectors of independent entries, which are close to standard
// normal ones. Sketches are linear, so two sketches give that of the difference d of the two vectors. Its numbers are normally
// distributed with variance ‖d‖², so the sum of their squares is ‖d‖² times a chi-square variable with n degrees of freedom.
// This is the random projection of Johnson and Lindenstrauss (1984).

/** How many numbers a new sketch has. */
export const SKETCH_SIZE = 96

/** How many numbers a sketch of formats 1 and 2 has. */
export const OLD_SKETCH_SIZE = 128

/**
 * The chi-square variable is outside of [n / shrink, n · stretch] with a probability below 2⁻⁵⁹, by Chernoff's bounds of the
 * chi-square distribution: P(χ² ≤ n / c) ≤ (e^(1 − 1/c) / c)^(n/2) and P(χ² ≥ n · c) ≤ (c · e^(1 − c))^(n/2).
 */
export const FACTORS: Readonly<Record<number, { readonly shrink: number; readonly stretch: number }>> = {
  [SKETCH_SIZE]: { shrink: 5.28, stretch: 2.93 },
  [OLD_SKETCH_SIZE]: { shrink: 4.1, stretch: 2.6 },
}

/** Stored as integer multiples of a step: the error of each number is at most half a step. */
export interface Sketch {
  /** A number of float32. */
  readonly step: number
  /** At most `MOST_STEPS` and at least −`MOST_STEPS`. */
  readonly numbers: Int16Array
}

/** New sketches have numbers of 12 bits. */
export const MOST_STEPS = 2047

/** The sketch of a vector, from its products with the random vectors in units of `unit`. */
export function sketchOf(products: Float64Array, unit: number): Float64Array {
  return products.map((x) => (x * unit) / DEVIATION)
}

export function packSketch(numbers: Float64Array): Sketch {
  const step = float32Above(numbers.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / MOST_STEPS)
  return { step, numbers: Int16Array.from(numbers, (x) => (step === 0 ? 0 : Math.round(x / step))) }
}

/**
 * Bounds of ‖a − b‖² for the vectors of two sketches of the same size.
 * @param rest an upper bound of what the rounding of the vectors to integers adds to ‖a − b‖, see `roundingOf`
 */
export function boundDistance(a: Sketch, b: Float64Array, rest: number): Interval {
  const { shrink, stretch } = FACTORS[a.numbers.length]!
  let [squares, size] = [0, 0]
  a.numbers.forEach((number, j) => {
    const difference = number * a.step - b[j]!
    squares += difference * difference
    size = Math.max(size, Math.abs(number * a.step), Math.abs(b[j]!))
  })
  const root = Math.sqrt(squares / a.numbers.length)
  const error = a.step / 2 + ROUNDING * size
  const least = Math.max(0, root - error) / Math.sqrt(stretch) - rest
  const most = (root + error) * Math.sqrt(shrink) + rest
  return { lo: Math.max(0, least) ** 2, hi: most ** 2 }
}

/**
 * ‖s·a − t·b‖² for the vectors a and b of two sketches, as it is estimated: with 96 numbers, within 14 % (one standard
 * deviation). Stored numbers are rounded, which adds (s·step)²/12.
 */
export function estimatedDistance(a: Sketch, s: number, b: Float64Array, t: number): number {
  const squares = a.numbers.reduce((sum, number, j) => sum + (s * number * a.step - t * b[j]!) ** 2, 0)
  return Math.max(0, squares / a.numbers.length - (s * a.step) ** 2 / 12)
}

/**
 * An upper bound of the distance between a vector and its rounded form that a sketch is made from: each of its `count` elements
 * is rounded to a multiple of `highest` / `LARGEST`, so it is off by at most half of that. A little more is allowed.
 * @param highest an upper bound of its elements, or of their sizes
 */
export function roundingOf(highest: number, count: number): number {
  return highest * Math.sqrt(count) * 2 ** -15.99
}
