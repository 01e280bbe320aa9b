import { expect, test } from 'vitest'
import { DEVIATION, ENTRIES } from '../../../src/metrics/sketches/random-vectors.js'
import { LARGEST } from '../../../src/metrics/sketches/sketch-kernel.js'
import { WasmSketches } from '../../../src/metrics/sketches/wasm-sketches.js'
import {
  boundDistance,
  FACTORS,
  OLD_SKETCH_SIZE,
  packSketch,
  roundingOf,
  SKETCH_SIZE,
  sketchOf,
} from '../../../src/snapshots/compact/sketch.js'
import { normal, random } from './pairs.js'

const kernel = new WasmSketches()

function sizeOf(vector: Float32Array): number {
  return vector.reduce((max, x) => Math.max(max, Math.abs(x)), 0)
}

function sketch(vector: Float32Array, size = SKETCH_SIZE): Float64Array {
  const scale = LARGEST / sizeOf(vector)
  kernel.row(vector.length).set(vector)
  kernel.quantiseCentered(Number.NEGATIVE_INFINITY, 0, Number.isFinite(scale) ? scale : 0)
  return sketchOf(kernel.sketch(size).centered, Number.isFinite(scale) ? 1 / scale : 0)
}

/** Of all values that Σ cᵢ·(an entry) may take, for a vector c of norm 1. */
function sums(...coefficients: number[]): number[] {
  const norm = Math.hypot(...coefficients)
  return coefficients.reduce<number[]>(
    (all, c) => all.flatMap((x) => Array.from(ENTRIES, (entry) => x + (c * entry) / DEVIATION / norm)),
    [0],
  )
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}

const SIZES = [SKETCH_SIZE, OLD_SKETCH_SIZE]

test.each(SIZES)('the factors of %i numbers follow from Chernoff bounds of 2⁻⁵⁹', (size) => {
  const { shrink, stretch } = FACTORS[size]!
  const below = (size / 2) * (1 - 1 / shrink - Math.log(shrink))
  const above = (size / 2) * (1 + Math.log(stretch) - stretch)
  expect(below / Math.LN2).toBeLessThan(-59)
  expect(above / Math.LN2).toBeLessThan(-59)
})

test('no moment of the entries is above that of a normal number', () => {
  expect(ENTRIES).toHaveLength(256)
  expect(ENTRIES.reduce((sum, x) => sum + x, 0)).toBe(0)
  let ofNormal = 1
  for (let order = 2; order <= 60; order += 2) {
    ofNormal *= order - 1
    expect(mean(Array.from(ENTRIES, (x) => (x / DEVIATION) ** order)) / ofNormal).toBeLessThan(1 + 1e-12)
  }
})

test.each(SIZES)('sums of few entries are small no more often than a normal number is (%i numbers)', (size) => {
  // E e^(−θx²) ≤ (1 + 2θ)^(−1/2) is what Chernoff's bound of small values takes, at 2θ = shrink − 1.
  const theta = (FACTORS[size]!.shrink - 1) / 2
  for (const c of [[1], [1, 1], [1, -1], [3, 1], [10, 1], [1, 0.01]]) {
    const found = mean(sums(...c).map((x) => Math.exp(-theta * x * x))) * Math.sqrt(1 + 2 * theta)
    expect(found, `coefficients ${c}`).toBeLessThan(1)
  }
})

test.each(SIZES)(
  'the squared distance of any two vectors lies within its bounds, and near their middle (%i numbers)',
  (size) => {
    const { shrink, stretch } = FACTORS[size]!
    const next = random(11)
    let [least, most] = [Number.POSITIVE_INFINITY, 0]
    for (let n = 0; n < 2000; n++) {
      const length = 1 + Math.floor(next() * 400)
      const a = Float32Array.from({ length }, () => normal(next))
      const b = a.slice()
      // From one entry alone to all of them.
      const share = next() ** 3
      for (let i = 0; i < length; i++)
        if (i === n % length || next() < share) b[i] = b[i]! + normal(next) * 10 ** (-4 * next())
      const exact = a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0)
      const packed = packSketch(sketch(a, size))
      const { lo, hi } = boundDistance(packed, sketch(b, size), roundingOf(sizeOf(a) + sizeOf(b), length))
      expect(lo).toBeLessThanOrEqual(exact)
      expect(hi).toBeGreaterThanOrEqual(exact)
      if (Math.sqrt(exact) < 300 * packed.step) continue
      least = Math.min(least, hi / shrink / exact)
      most = Math.max(most, (lo * stretch) / exact)
    }
    // Far from the factors: it takes 10¹⁸ pairs to leave the bounds.
    expect(least).toBeGreaterThan(0.4)
    expect(most).toBeLessThan(1.9)
  },
)

test('the random vectors are the same in every release: snapshots depend on them', () => {
  const unit = new Float32Array(3)
  unit[2] = DEVIATION
  expect([...sketch(unit).slice(0, 12)].map(Math.round)).toMatchInlineSnapshot(`
    [
      17,
      46,
      13,
      15,
      -21,
      11,
      43,
      33,
      -7,
      40,
      -12,
      17,
    ]
  `)
  const longer = new Float32Array(5000)
  longer[2] = DEVIATION
  expect(sketch(longer)).toEqual(sketch(unit))
})

test('vectors of zeros have a sketch of zeros, and no distance', () => {
  const zeros = new Float32Array(10)
  const packed = packSketch(sketch(zeros))
  expect(packed).toEqual({ step: 0, numbers: new Int16Array(SKETCH_SIZE) })
  expect(boundDistance(packed, sketch(zeros), 0)).toEqual({ lo: 0, hi: 0 })
})
