import { expect, test } from 'vitest'
import type { RowKernel } from '../../src/metrics/kernel.js'
import { TypescriptKernel } from '../../src/metrics/typescript-kernel.js'
import { WasmKernel } from '../../src/metrics/wasm/wasm-kernel.js'
import { compareFloats } from '../conformance/kernel.js'
import { normal as normalOf, random } from '../snapshots/compact/pairs.js'

// The WebAssembly kernel sums relative to the largest logit so far. Its results must not depend on the position of that
// logit in the row. Rows are several blocks long, and the last block is short.

const COUNT = 5021

const next = random(11)
const normal = () => normalOf(next)

const bulk = () => Float32Array.from({ length: COUNT }, () => -1 + 2.2 * normal())
const withTop = (top: number) => bulk().map((logit, i) => (i === 2600 ? top : logit))
const suppressed = (logits: Float32Array, value: number, from: number, to: number) => logits.fill(value, from, to)

const GOLDENS: Record<string, () => Float32Array> = {
  'many likely tokens': bulk,
  'one likely token': () => withTop(14),
  'one sure token': () => withTop(30),
  'steps of 100 between blocks': () => bulk().map((logit, i) => logit + 100 * Math.floor(i / 512)),
  'a front of -Inf': () => suppressed(bulk(), Number.NEGATIVE_INFINITY, 0, 1300),
  'a middle of -1e9': () => suppressed(bulk(), -1e9, 1500, 3000),
}

const ORDERS: Record<string, (logits: Float32Array) => number[]> = {
  'as it is': (logits) => Array.from(logits, (_, i) => i),
  backwards: (logits) => Array.from(logits, (_, i) => i).reverse(),
  ascending: (logits) => Array.from(logits, (_, i) => i).sort((a, b) => logits[a]! - logits[b]! || a - b),
  descending: (logits) => Array.from(logits, (_, i) => i).sort((a, b) => logits[b]! - logits[a]! || a - b),
}

/** How the dump differs from the golden. */
const DUMPS: Record<string, (logit: number) => number> = {
  'noise of 1e-4': (logit) => logit + 1e-4 * normal(),
  'noise of 0.02': (logit) => logit + 0.02 * normal(),
  'noise of 0.02 and an offset': (logit) => logit + 7 + 0.02 * normal(),
  'noise of 1': (logit) => logit + normal(),
  'rounding to bfloat16': (logit) => {
    const bits = new Uint32Array(Float32Array.of(logit).buffer)
    bits[0] = (bits[0]! + 0x8000) & 0xffff0000
    return new Float32Array(bits.buffer)[0]!
  },
  'another row': () => -1 + 2.2 * normal(),
}

const wasm = new WasmKernel()
const typescript = new TypescriptKernel()

function divergence(kernel: RowKernel, golden: Float32Array, dump: Float32Array, order: number[]): number {
  const [g, d] = [golden, dump].map((row) => Float32Array.from(order, (i) => row[i]!)) as [Float32Array, Float32Array]
  const found = compareFloats(kernel, g, d)
  if (found.kind !== 'measured') throw new Error(`not measured: ${found.kind}`)
  return found.metrics.klDivergence
}

const orders = Object.values(ORDERS)

for (const [name, makeGolden] of Object.entries(GOLDENS)) {
  test.each(Object.entries(DUMPS))(`${name}: the divergence is the same in every order, after %s`, (_, makeDump) => {
    const golden = makeGolden()
    const dump = golden.map(makeDump)
    const expected = divergence(typescript, golden, dump, orders[0]!(golden))
    expect(expected).toBeGreaterThan(0)
    for (const order of orders) {
      const found = divergence(wasm, golden, dump, order(golden))
      expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-10 * expected + 1e-15)
    }
  })

  test(`${name}: the same row, or that and a constant, has divergence 0 in every order`, () => {
    // Sums with the constant are exact.
    const golden = makeGolden().map((logit) => (logit < -1e8 ? logit : Math.round(logit * 256) / 256))
    for (const order of orders) {
      expect(divergence(wasm, golden, golden, order(golden))).toBe(0)
      const moved = golden.map((logit) => (logit < -1e8 ? logit : logit - 12))
      expect(divergence(wasm, golden, moved, order(golden))).toBe(0)
    }
  })
}

test('a golden without a finite logit where the dump has some, in every order', () => {
  const golden = suppressed(bulk(), Number.NEGATIVE_INFINITY, 0, 2000)
  const dump = golden.map((logit) => (Number.isFinite(logit) ? logit + 0.02 * normal() : -1 + 2.2 * normal()))
  const expected = divergence(typescript, golden, dump, orders[0]!(golden))
  expect(expected).toBeGreaterThan(0.1)
  for (const order of orders) {
    expect(divergence(wasm, golden, dump, order(golden)) / expected).toBeCloseTo(1, 10)
    // The other way round, it is infinite.
    expect(divergence(wasm, dump, golden, order(dump))).toBe(Number.POSITIVE_INFINITY)
  }
})

test('a first maximum whose gap is far from all others costs the sums all digits', () => {
  const golden = new Float32Array(COUNT).map((_, i) => (i === 100 ? 0.01 : i === 2600 ? 20 : 0))
  const dump = golden.map((logit, i) => (i === 100 ? 14 : logit))
  // p of the only token that moved, and both masses: KL = ln(dump mass/golden mass) − p·(14 − 0.01).
  const mass = golden.reduce((sum, logit) => sum + Math.exp(logit), 0)
  const [before, after] = [Math.exp(golden[100]!), Math.exp(14)]
  const expected = Math.log1p((after - before) / mass) - (before / mass) * (14 - golden[100]!)
  for (const kernel of [typescript, wasm]) {
    const found = divergence(kernel, golden, dump, orders[0]!(golden))
    expect(Math.abs(found / expected - 1)).toBeLessThan(2e-11)
  }
})
