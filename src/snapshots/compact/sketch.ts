import { crypto } from '../../lib/optional-packages.js'
import { type Interval, ROUNDING } from './interval.js'

/**
 * Size of a sketch: the scalar products of a vector with 128 fixed random vectors of independent standard normal entries.
 * Sketches are linear, so two sketches give that of the difference d of the two vectors. Its numbers are normally distributed
 * with variance ‖d‖², so the sum of their squares is ‖d‖² times a chi-square variable with 128 degrees of freedom. This is the
 * random projection of Johnson and Lindenstrauss (1984).
 */
export const SKETCH_SIZE = 128

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

/** The sketches of two vectors of the same length, in one pass. */
export function sketchBoth(a: Float64Array, b: Float64Array): [Float64Array, Float64Array] {
  const sketches: [Float64Array, Float64Array] = [new Float64Array(SKETCH_SIZE), new Float64Array(SKETCH_SIZE)]
  const vectors = randomVectors(a.length)
  for (let j = 0; j < SKETCH_SIZE; j += 2) {
    const [r, s] = [vectors[j]!, vectors[j + 1]!]
    // Four independent sums, which a processor can compute in parallel.
    let [ra, rb, sa, sb] = [0, 0, 0, 0]
    for (let i = 0; i < a.length; i++) {
      const [x, y, u, v] = [a[i]!, b[i]!, r[i]!, s[i]!]
      ra += u * x
      rb += u * y
      sa += v * x
      sb += v * y
    }
    sketches[0].set([ra / DEVIATION, sa / DEVIATION], j)
    sketches[1].set([rb / DEVIATION, sb / DEVIATION], j)
  }
  return sketches
}

export function packSketch(numbers: Float64Array): Sketch {
  const step = numbers.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / 32_767
  return { step, numbers: Int16Array.from(numbers, (x) => (step === 0 ? 0 : Math.round(x / step))) }
}

/** Bounds of ‖a − b‖² for the vectors of two sketches. */
export function boundDistance(a: Sketch, b: Float64Array): Interval {
  let [squares, size] = [0, 0]
  a.numbers.forEach((number, j) => {
    const difference = number * a.step - b[j]!
    squares += difference * difference
    size = Math.max(size, Math.abs(b[j]!))
  })
  const root = Math.sqrt(squares / SKETCH_SIZE)
  const error = a.step / 2 + ROUNDING * (size + 32_767 * a.step)
  const [least, most] = [Math.max(0, root - error), root + error]
  return { lo: (least * least) / STRETCH, hi: most * most * SHRINK }
}

/**
 * The quantiles of the normal distribution at (i + ½) / 256 for i from 128 on, in units that make the highest one 127. All
 * moments of these entries are at most those of the normal distribution, as the bounds above require.
 */
const QUANTILES = [
  0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5, 6, 6, 7, 7, 8, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 12, 13, 13, 14, 14, 15, 15,
  16, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23, 24, 24, 25, 25, 26, 26, 27, 27, 28, 28, 29, 29,
  30, 30, 31, 32, 32, 33, 33, 34, 34, 35, 36, 36, 37, 37, 38, 39, 39, 40, 41, 41, 42, 43, 43, 44, 45, 45, 46, 47, 48,
  48, 49, 50, 51, 52, 53, 54, 54, 55, 56, 57, 58, 59, 61, 62, 63, 64, 65, 67, 68, 70, 71, 73, 74, 76, 78, 81, 83, 86,
  89, 92, 97, 103, 111, 127,
]

/** The 256 equally likely entries. */
export const ENTRIES: Int8Array = Int8Array.from([...QUANTILES, ...QUANTILES.map((x) => -x)])
const DEVIATION = Math.sqrt(QUANTILES.reduce((sum, x) => sum + x * x, 0) / QUANTILES.length)

let cached: readonly Int8Array[] = []

/**
 * At least `length` entries of each random vector: the key stream of AES-128-CTR with a fixed key and a different counter for
 * each vector, one byte per entry. Cached for the next row, 128 bytes per vocab id.
 */
function randomVectors(length: number): readonly Int8Array[] {
  if (cached[0] !== undefined && cached[0].length >= length) return cached
  const zeros = new Uint8Array(length)
  cached = Array.from({ length: SKETCH_SIZE }, (_, j) => {
    const counter = Buffer.alloc(16)
    counter[0] = j
    const bytes = crypto().createCipheriv('aes-128-ctr', KEY, counter).update(zeros)
    const entries = new Int8Array(length)
    for (let i = 0; i < length; i++) entries[i] = ENTRIES[bytes[i]!]!
    return entries
  })
  return cached
}

const KEY = Buffer.from('golden-logits/v1')
