import { expect, test } from 'vitest'
import { PairColumns, pairNoise } from '../../src/measure/pair-noise.js'
import { expectedDivergence } from '../../src/metrics/expected-divergence.js'
import { spreadOf } from '../../src/metrics/noise.js'
import type { MeasuredRows } from '../../src/metrics/types.js'
import { TypescriptKernel } from '../../src/metrics/typescript-kernel.js'
import { compareFloats } from '../conformance/kernel.js'
import { type NoiseCase, noiseRows } from '../fixtures/noise.js'

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

const SIDES = { golden: { files: [], layer: '' }, dump: { files: [], layer: '' } }

const kernel = new TypescriptKernel()

/** The rows of a case as bytes of float32. */
function rowsOf(options: Partial<NoiseCase>) {
  const defaults = { name: '', columns: 40_000, deviation: 3, offset: -1, noise: 0.15, factor: 1, seed: 11, cap: 0 }
  const noiseCase = { ...defaults, precision: 'bf16' as const, rounded: 1 as const, ...options }
  const { golden, dump } = noiseRows(noiseCase as NoiseCase)
  const raw = (row: Float32Array) => {
    return { bytes: new Uint8Array(row.buffer), dtype: 'float32' as const, width: row.length }
  }
  const rows = compareFloats(kernel, golden as Float32Array<ArrayBuffer>, dump as Float32Array<ArrayBuffer>)
  return { golden, rows: rows as MeasuredRows, columns: new PairColumns(raw(golden), raw(dump), golden.length) }
}

// The highest of many logits are all counted, the others by a sample: the noise that this makes is below that of d.
test.each([
  ['logits of a standard deviation of 1', { deviation: 1, noise: 0.15 }],
  ['logits of 2.2', { deviation: 2.2 }],
  ['logits of 3', { deviation: 3 }],
  ['logits of 5', { deviation: 5 }],
  ['one probable id', { noise: 0.2, tops: { 70: 14 } }],
  ['many ids suppressed', { suppressed: 13_000 }],
  ['a row just longer than one that is counted as a whole', { columns: 16_385 }],
  ['a long row', { columns: 131_072 }],
  ['a row whose highest logit many ids have', { tops: Object.fromEntries(range(2000).map((id) => [id, 12])) }],
])('H and ν of %s are near the values of all columns', (_, options) => {
  const { golden, rows, columns } = rowsOf(options)
  const count = golden.length
  const noise = pairNoise(rows, columns, SIDES, 'bf16')!
  expect(rows.metrics.klDivergence).toBeGreaterThan(0.005)
  const dump = columns.dump()
  const { relative, goldenDeviation } = spreadOf(golden, dump, count)!
  expect(noise.relativeSpread).toBe(relative)
  const all = expectedDivergence(
    [{ logits: golden, weight: 1 }],
    'bf16',
    Math.min(relative, 2 ** -4) * goldenDeviation,
    1,
  )
  expect(noise.expectedDivergence / all.mean).toBeGreaterThan(0.93)
  expect(noise.expectedDivergence / all.mean).toBeLessThan(1.07)
  expect(noise.freedom / all.freedom).toBeGreaterThan(0.85)
  expect(noise.freedom / all.freedom).toBeLessThan(1.15)
})
