import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compareRows } from '../../../src/metrics/compare-rows.js'
import { RowPair } from '../../../src/metrics/optional/row-pair.js'
import { metricsOfRows, OPTIONAL, type OptionalKey, optionalMetrics } from '../../../src/metrics/optional/table.js'
import type { Precision } from '../../../src/metrics/precision.js'

/** See `scripts/fixtures/make_optional_metrics.py`. */
interface Case {
  readonly name: string
  readonly golden: string
  readonly dump: string
  /** Of PyTorch, SciPy and NumPy, in float64. */
  readonly metrics: Readonly<Record<OptionalKey, number>>
  /** By mpmath, with 60 digits. */
  readonly digits: Readonly<Partial<Record<OptionalKey, number>>>
  readonly ulp: Readonly<Partial<Record<Precision, number>>>
}

const text = readFileSync('test/fixtures/metrics/optional.json', 'utf8')
const CASES: Case[] = JSON.parse(text, (_, value) => (/^-?Infinity$/.test(value) ? Number(value) : value))
const KEYS = OPTIONAL.map(({ key }) => key)

function unpack(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer)
}

function measured({ golden, dump }: Case, precision: Precision) {
  const [g, d] = [unpack(golden), unpack(dump)]
  const rows = compareRows(g, d, g.length)
  if (rows.kind !== 'measured') throw new Error(rows.kind)
  return optionalMetrics(KEYS, metricsOfRows(KEYS, new RowPair(g, d, rows)), rows.golden, rows.dump, precision)
}

test.each(CASES)('$name: as PyTorch, SciPy and NumPy have it', (one) => {
  const metrics = measured(one, 'bf16')
  for (const [key, expected] of Object.entries(one.metrics)) {
    const value = metrics[key as OptionalKey]!
    if (!Number.isFinite(expected)) expect(value, key).toBe(expected)
    else expect(Math.abs(value - expected), key).toBeLessThanOrEqual(2e-15 + 1e-9 * Math.abs(expected))
  }
  expect(Object.keys(one.metrics).length).toBe(KEYS.length - 1)
})

test.each(CASES)('$name: distances keep their digits where the rows hardly differ', (one) => {
  const metrics = measured(one, 'bf16')
  for (const [key, expected] of Object.entries(one.digits)) {
    const value = metrics[key as OptionalKey]!
    expect(Math.abs(value - expected), key).toBeLessThanOrEqual(1e-17 + 1e-9 * Math.abs(expected))
  }
})

test.each(CASES)('$name: the ULP is the spacing that PyTorch has at the maximum', (one) => {
  for (const [precision, expected] of Object.entries(one.ulp)) {
    expect(measured(one, precision as Precision).ulp, precision).toBe(expected)
  }
  if (Object.keys(one.ulp).length === 0) expect(measured(one, 'fp16')).not.toHaveProperty('ulp')
})
