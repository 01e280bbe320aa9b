import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RowComparison } from '../../src/metrics/types.js'
import { TypescriptKernel } from '../../src/metrics/typescript-kernel.js'
import { WasmKernel } from '../../src/metrics/wasm/wasm-kernel.js'
import { type Dtype, itemSize } from '../../src/tensor/dtype.js'
import { compareFloats, compareOn } from '../conformance/kernel.js'

const typescript = new TypescriptKernel()
const wasm = new WasmKernel()

/** Every number of two comparisons agrees within 1e-10 relative, everything else exactly. */
function expectSame(found: RowComparison, expected: RowComparison): void {
  expect(found.kind).toBe(expected.kind)
  if (found.kind !== 'measured' || expected.kind !== 'measured') {
    expect(found).toEqual(expected)
    return
  }
  const [numbers, others] = [found, expected].map(({ metrics, golden, dump }: typeof found) => [
    ...Object.entries(metrics),
    ...[golden, dump].flatMap((side) => Object.entries(side)),
  ]) as [[string, number][], [string, number][]]
  numbers.forEach(([name, value], i) => {
    const other = others[i]![1]
    // A cosine is a sum of products of both signs, precise relative to their size. A divergence far below float64's
    // resolution of the logits is rounding noise, different in each kernel.
    const absolute = { cosineSimilarity: 1e-14, klDivergence: 1e-15 }[name] ?? 0
    const near = value === other || Math.abs(value - other) <= absolute + 1e-10 * Math.abs(other)
    expect(near, `${name}: ${value}, ${other}`).toBe(true)
  })
  expect(found.support).toEqual(expected.support)
}

/** Logits as models make them; some are masked, huge, tiny or zero. */
const logit = fc.oneof(
  { weight: 20, arbitrary: fc.double({ min: -30, max: 30, noNaN: true }).map(Math.fround) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 1e-8, -(2 ** -23), 2 ** -22, 60, -60, 300, -700, 65504, 1e5, 2e5) },
)
const mask = fc.constantFrom(Number.NEGATIVE_INFINITY, -1e9, -3e38, Math.fround(-65504), -1e4, -660)
const length = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 505, max: 520 }), fc.constant(1031))

/** Two rows of the same length, which differ by noise, a constant, and masks on one side or both. */
const pair = length.chain((n) =>
  fc.record({
    golden: fc.array(logit, { minLength: n, maxLength: n }),
    noise: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: n, maxLength: n }),
    size: fc.constantFrom(0, 1e-6, 1e-3, 0.1, 1, 10, 100),
    shift: fc.constantFrom(0, 0, 0, 8, -100, 5000),
    masks: fc.array(fc.tuple(fc.nat(n - 1), fc.constantFrom('golden', 'dump', 'both'), mask), { maxLength: 12 }),
    huge: fc.constantFrom(1, 1, 1, 1, 1e4, 1e16, 1e36),
  }),
)

test('both kernels measure the same for random rows', () => {
  fc.assert(
    fc.property(pair, ({ golden, noise, size, shift, masks, huge }) => {
      const rows = {
        golden: Float32Array.from(golden, (g) => g * huge),
        dump: Float32Array.from(golden, (g, i) => (g + shift + size * noise[i]!) * huge),
      }
      for (const [at, side, value] of masks) {
        if (side !== 'dump') rows.golden[at] = value
        if (side !== 'golden') rows.dump[at] = value
      }
      expectSame(compareFloats(wasm, rows.golden, rows.dump), compareFloats(typescript, rows.golden, rows.dump))
    }),
    { numRuns: 1500, seed: 3 },
  )
})

const DTYPES: Dtype[] = [
  'float64',
  'float32',
  'float16',
  'bfloat16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
]

test('both kernels convert random bytes of any two dtypes the same', () => {
  const dtype = fc.constantFrom(...DTYPES)
  const row = (type: Dtype, n: number) =>
    fc.uint8Array({ minLength: n * itemSize(type), maxLength: n * itemSize(type) })
  const raw = fc
    .tuple(dtype, dtype, length)
    .chain(([g, d, n]) => fc.tuple(fc.constant([g, d, n] as const), row(g, n), row(d, n)))
  fc.assert(
    fc.property(raw, ([[g, d, n], golden, dump]) => {
      expectSame(compareOn(wasm, [golden, g], [dump, d], n), compareOn(typescript, [golden, g], [dump, d], n))
    }),
    { numRuns: 600, seed: 3 },
  )
})

test('a row and itself, and a row and itself shifted, have divergence 0 and cosine 1 exactly', () => {
  // On a grid that float32 represents also with the shift: sums are exact.
  const grid = fc.integer({ min: -2000, max: 2000 }).map((x) => x / 64)
  const row = length.chain((n) => fc.array(grid, { minLength: n, maxLength: n }))
  const shifts = fc.constantFrom(0.25, 8, -100, 4096)
  fc.assert(
    fc.property(row, shifts, fc.constantFrom(undefined, Number.NEGATIVE_INFINITY, -1e9), (logits, shift, masked) => {
      const golden = Float32Array.from(logits, (x, i) => (masked !== undefined && i % 3 === 1 ? masked : x))
      const shifted = golden.map((x) => (x === masked ? x : x + shift))
      const same = compareFloats(wasm, golden, golden.slice())
      expect(same).toMatchObject({ metrics: { klDivergence: 0, cosineSimilarity: 1, maxAbsoluteError: 0 } })
      expect(compareFloats(wasm, golden, shifted)).toMatchObject({ metrics: { klDivergence: 0 } })
    }),
    { seed: 3 },
  )
})

const wasmMetrics = (golden: Float32Array, dump: Float32Array) => {
  const result = compareFloats(wasm, golden, dump)
  if (result.kind !== 'measured') throw new Error(result.kind)
  return result
}

test('a divergence far below the gap of the top token is precise', () => {
  // All ids are equal, but one has e⁵ times the weight in the dump.
  const count = 500_000
  const golden = new Float32Array(count)
  const dump = new Float32Array(count).fill(5, 0, 1)
  const exact = Math.log1p(Math.expm1(5) / count) - 5 / count
  const found = wasmMetrics(golden, dump).metrics.klDivergence
  expect(Math.abs(found - exact)).toBeLessThan(1e-10 * exact)
})

test('a pure shift has divergence 0 even if it rounds the values of masked ids', () => {
  const shift = 8 + 2 ** -15
  const golden = Float32Array.of(10, 9.5, Number.NEGATIVE_INFINITY, 3)
  const dump = golden.map((logit) => logit - shift)
  expect(wasmMetrics(golden, dump).metrics.klDivergence).toBe(0)
})

test('of 0 and -0, the first in the row is the minimum and the maximum', () => {
  for (const zeros of [
    [0, -0],
    [-0, 0],
  ]) {
    const low = Float32Array.from({ length: 600 }, (_, i) => (i === 0 ? 1 : zeros[i % 2]!))
    const high = low.map((logit) => (logit === 1 ? -1 : logit))
    const [found, expected] = [wasm, typescript].map((kernel) => compareFloats(kernel, low, high))
    expect(found).toMatchObject({
      golden: { min: (expected as typeof found & { kind: 'measured' }).golden.min },
      dump: { max: (expected as typeof found & { kind: 'measured' }).dump.max },
    })
  }
})
