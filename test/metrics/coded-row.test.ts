import { expect, test } from 'vitest'
import { CodedRow } from '../../src/metrics/coded-row.js'
import { CodedLogProbs, klBounds, type LogProbs } from '../../src/metrics/log-probs.js'
import { scanRow } from '../../src/metrics/row-scan.js'
import { random } from '../snapshots/compact/pairs.js'

function coded(codes: Uint16Array, scale: number, lowest: number, hasFloor: boolean): CodedLogProbs {
  const row = new CodedRow()
  row.load(scale, lowest, codes)
  const floor = hasFloor ? lowest : Number.NEGATIVE_INFINITY
  return new CodedLogProbs(row, { error: 0.51 * scale, topError: 4e-6, floor })
}

/** The same values as arrays, by the definition: ln p = lowest + scale·code. */
function plain(codes: Uint16Array, scale: number, lowest: number, like: LogProbs): LogProbs {
  const logs = Float64Array.from(codes, (code) => lowest + scale * code)
  const { error, topError, floor } = like
  return { logs, probs: logs.map(Math.exp), error, topError, floor }
}

/** Codes of which many are 0, and the lowest value for which Σp = 1. */
function rowOf(next: () => number, length: number, scale: number): { codes: Uint16Array; lowest: number } {
  const codes = Uint16Array.from({ length }, () => Math.max(0, Math.floor(65536 * (1.5 * next() - 0.5))))
  const sum = codes.reduce((total, code) => total + Math.exp(scale * code), 0)
  return { codes, lowest: -Math.log(sum) }
}

test('coded rows have the KL divergence, its bounds and the facts of the same values in arrays', () => {
  const next = random(5)
  for (let round = 0; round < 200; round++) {
    // Lengths around a multiple of what is summed at a time.
    const length = [2, 1023, 1024, 1025, 2500][round % 5]!
    const range = round % 7 === 0 ? 900 : 16
    const scale = range / 65535
    const [g, d] = [rowOf(next, length, scale), rowOf(next, length, scale)]
    // Some ids are at the floor of both.
    for (let id = 0; id < length; id += 3) d.codes[id] = g.codes[id]!
    const golden = coded(g.codes, scale, g.lowest, round % 2 === 0)
    const dump = coded(d.codes, scale, d.lowest, round % 3 !== 0)
    const wholeGolden = plain(g.codes, scale, g.lowest, golden)
    const wholeDump = plain(d.codes, scale, d.lowest, dump)
    const expected = klBounds(wholeGolden, wholeDump)
    for (const bounds of [klBounds(golden, dump), klBounds(golden, wholeDump), klBounds(wholeGolden, dump)]) {
      expect(bounds.atFloor).toBe(expected.atFloor)
      for (const key of ['lo', 'hi', 'estimate'] as const) {
        const off = Math.abs(bounds[key] - expected[key])
        expect(off, `round ${round}: ${key} ${bounds[key]}, ${expected[key]}`).toBeLessThanOrEqual(
          1e-12 * (1 + expected[key]),
        )
      }
    }
    const { mean, ...facts } = scanRow(wholeGolden.logs, length)
    expect(golden.coded.scan).toMatchObject(facts)
    expect(golden.coded.scan.mean).toBeCloseTo(mean, 10)
    expect(golden.coded.atLowest).toBe(g.codes.filter((code) => code === 0).length)
    expect(golden.logs).toEqual(wholeGolden.logs)
    expect(golden.coded.logAt(length - 1)).toBe(wholeGolden.logs[length - 1])
    const sum = wholeGolden.probs.reduce((total, p) => total + p, 0)
    expect(golden.coded.sum).toBeCloseTo(sum, 10)
  }
})

test('of codes that are one number in float64, the first id is the top', () => {
  const codes = Uint16Array.of(3, 9, 7)
  for (const scale of [0, 1e-30]) {
    const row = new CodedRow()
    row.load(scale, -Math.log(3), codes)
    expect(row.scan).toMatchObject({ top1: 0, max: -Math.log(3), min: -Math.log(3) })
  }
})

test('of a tiny scale, codes that are the same number as code 0 are at the floor', () => {
  const codes = Uint16Array.of(1, 0, 1, 65535)
  const others = Uint16Array.of(1, 0, 65535, 1)
  const lowest = -Math.log(4)
  // Half a unit in the last place of the lowest value: code 1 rounds to it.
  const scale = 2 ** -54
  const golden = coded(codes, scale, lowest, true)
  const dump = coded(others, scale, lowest, true)
  expect(golden.coded.logAt(0)).toBe(lowest)
  const expected = klBounds(plain(codes, scale, lowest, golden), plain(others, scale, lowest, dump))
  expect(expected.atFloor).toBeGreaterThan(1)
  expect(klBounds(golden, dump)).toMatchObject({ atFloor: expected.atFloor })
})
