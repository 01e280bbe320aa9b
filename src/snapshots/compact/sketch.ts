import { DEVIATION, SKETCH_SIZE } from '../../metrics/sketches/random-vectors.js'
import { type Interval, ROUNDING } from './interval.js'

// A sketch is the scalar products of a vector with 128 fixed random vectors of independent entries, which are close to standard
// normal ones. Sketches are linear, so two sketches give that of the difference d of the two vectors. Its numbers are normally
// distributed with variance ‖d‖², so the sum of their squares is ‖d‖² times a chi-square variable with 128 degrees of freedom.
// This is the random projection of Johnson and Lindenstrauss (1984).

/**
 * The chi-square variable is outside of [128 / SHRINK, 128 · STRETCH] with a probability below 2⁻⁵⁹, by Chernoff's bounds of the chi-square
 * distribution: P(χ² ≤ 128 / c) ≤ (e^(1 − 1/c) / c)⁶⁴ and P(χ² ≥ 128 · c) ≤ (c · e^(1 − c))⁶⁴.
 */
export const SHRINK = 4.1
export const STRETCH = 2.6

/** Stored as integer multiples of a step: the error of each number is at most half a step. */
export interface Sketch {
  readonly step: number
  readonly numbers: Int16Array
}

/** The sketch of a vector, from its products with the random vectors in units of `unit`. */
export function sketchOf(products: Float64Array, unit: number): Float64Array {
  return products.map((x) => (x * unit) / DEVIATION)
}

export function packSketch(numbers: Float64Array): Sketch {
  const step = numbers.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / 32_767
  return { step, numbers: Int16Array.from(numbers, (x) => (step === 0 ? 0 : Math.round(x / step))) }
}

/**
 * Bounds of ‖a − b‖² for the vectors of two sketches.
 * @param rest an upper bound of what the rounding of the vectors to integers adds to ‖a − b‖, see `roundingOf`
 */
export function boundDistance(a: Sketch, b: Float64Array, rest: number): Interval {
  let [squares, size] = [0, 0]
  a.numbers.forEach((number, j) => {
    const difference = number * a.step - b[j]!
    squares += difference * difference
    size = Math.max(size, Math.abs(b[j]!))
  })
  const root = Math.sqrt(squares / SKETCH_SIZE)
  const error = a.step / 2 + ROUNDING * (size + 32_767 * a.step)
  const least = Math.max(0, root - error) / Math.sqrt(STRETCH) - rest
  const most = (root + error) * Math.sqrt(SHRINK) + rest
  return { lo: Math.max(0, least) ** 2, hi: most ** 2 }
}

/**
 * An upper bound of the distance between a vector and its rounded form that a sketch is made from: each of its `count` elements
 * is rounded to a multiple of `highest` / `LARGEST`, so it is off by at most half of that. Twice as much is allowed.
 * @param highest an upper bound of its elements, or of their sizes
 */
export function roundingOf(highest: number, count: number): number {
  return highest * Math.sqrt(count) * 2 ** -29.9
}
