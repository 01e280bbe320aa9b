import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { GoldenLogitsError } from '../../src/errors.js'
import type { RowKernel } from '../../src/metrics/kernel.js'
import type { MeasuredRows, RowComparison, RowStats } from '../../src/metrics/types.js'
import { type Dtype, itemSize } from '../../src/tensor/dtype.js'
import { widen } from '../../src/tensor/widen.js'
import { type RowCase, rowCases } from '../fixtures/metrics.js'

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

/** Compares two rows with a kernel. */
export function compareOn(
  kernel: RowKernel,
  [golden, goldenDtype]: readonly [Uint8Array, Dtype],
  [dump, dumpDtype]: readonly [Uint8Array, Dtype],
  count: number,
): RowComparison {
  const buffers = kernel.reserve(golden.length, dump.length)
  buffers.golden.set(golden)
  buffers.dump.set(dump)
  return kernel.compare(goldenDtype, dumpDtype, count)
}

export function compareFloats(kernel: RowKernel, golden: Float32Array, dump: Float32Array): RowComparison {
  return compareOn(kernel, [bytesOf(golden), 'float32'], [bytesOf(dump), 'float32'], golden.length)
}

function bytesOf(row: Float32Array): Uint8Array {
  return new Uint8Array(row.buffer, row.byteOffset, row.byteLength)
}

/**
 * The tests that every `RowKernel` must pass: values computed with 60 digits, exact results, and cases without metrics.
 */
export function kernelConformance(name: string, create: () => RowKernel): void {
  describe(`the ${name} kernel`, () => {
    const kernel = create()

    test('has its name', () => {
      expect(kernel.name).toBe(name)
    })

    test.each(rowCases().map((row) => [row.name, row] as const))('measures %s', (_, row) => {
      expectComparison(compareFloats(kernel, row.golden, row.dump), row)
    })

    test.each(DTYPES)('converts %s like the tensor reader, on either side', (dtype) => {
      const ordinary = Float32Array.from({ length: BLOCK }, (_, i) => Math.sin(i) * 8)
      for (const raw of rawRows(dtype)) {
        const count = raw.length / itemSize(dtype)
        const row = new Float32Array(count)
        widen(raw, dtype, row)
        const other = ordinary.subarray(0, count)
        const [here, there] = [compareFloats(kernel, row, other), compareFloats(kernel, other, row)]
        expect(compareOn(kernel, [raw, dtype], [bytesOf(other), 'float32'], count)).toEqual(here)
        expect(compareOn(kernel, [bytesOf(other), 'float32'], [raw, dtype], count)).toEqual(there)
      }
    })

    test('ignores earlier rows: a short pair after a long one, and fewer columns than reserved', () => {
      const long = Float32Array.from({ length: 5000 }, (_, i) => i)
      const [golden, dump] = [Float32Array.of(1, 2, 4), Float32Array.of(1, 4, 3)]
      const fresh = compareFloats(create(), golden, dump)
      compareFloats(kernel, long, long)
      expect(compareFloats(kernel, golden, dump)).toEqual(fresh)
      const wide = [Float32Array.of(1, 2, 4, Number.NaN), Float32Array.of(1, 4, 3, 9)] as const
      expect(compareOn(kernel, [bytesOf(wide[0]), 'float32'], [bytesOf(wide[1]), 'float32'], 3)).toEqual(fresh)
    })

    test('ignores bytes after a row', () => {
      for (let count = 1; count <= 1050; count += count < 40 || count > 1000 ? 1 : 97) {
        const golden = Float32Array.from({ length: count }, (_, i) => Math.sin(i) * 4)
        // One gap is large, at any index, including the last.
        const dump = golden.map((logit, i) => (i === count - 1 - (count % 7) ? logit + 3 : logit))
        const half = Uint16Array.from(new Uint32Array(dump.buffer), (bits) => bits >>> 16)
        for (const [row, dtype] of [
          [bytesOf(dump), 'float32'] as const,
          [new Uint8Array(half.buffer), 'bfloat16'] as const,
        ]) {
          const pair = [[bytesOf(golden), 'float32'], [row, dtype], count] as const
          const fresh = compareOn(create(), ...pair)
          const { golden: before, dump: behind } = kernel.reserve(golden.byteLength, row.length + 64)
          before.fill(0xff)
          behind.fill(0xff)
          expect(compareOn(kernel, ...pair)).toEqual(fresh)
        }
      }
    })

    test('measures rows at any offset of their buffers like rows at the front', () => {
      const golden = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 4)
      const dump = Uint16Array.from(new Uint32Array(golden.map((logit) => logit + 0.02).buffer), (bits) => bits >>> 16)
      const spoiled = golden.with(500, Number.NaN)
      // Logits that large need the float64 evaluation, and so does a row with NaN.
      const huge = golden.map((logit) => logit * 1e5)
      for (const row of [golden, spoiled, huge]) {
        const sides = [[bytesOf(row), 'float32'] as const, [new Uint8Array(dump.buffer), 'bfloat16'] as const] as const
        const fresh = compareOn(create(), ...sides, 1000)
        for (const [goldenFrom, dumpFrom] of [
          [64, 0],
          [0, 1],
          [4091, 127],
        ] as const) {
          const buffers = kernel.reserve(goldenFrom + 4000, dumpFrom + 2000 + 3)
          buffers.golden.fill(0xff).set(sides[0][0], goldenFrom)
          buffers.dump.fill(0xff).set(sides[1][0], dumpFrom)
          expect(kernel.compare('float32', 'bfloat16', 1000, goldenFrom, dumpFrom)).toEqual(fresh)
          expect(() => kernel.compare('float32', 'bfloat16', 1000, goldenFrom + 1, dumpFrom)).toThrow(GoldenLogitsError)
          expect(() => kernel.compare('float32', 'bfloat16', 1000, goldenFrom, dumpFrom + 4)).toThrow(
            `the dump row takes ${dumpFrom + 2004} bytes, but ${dumpFrom + 2003} were reserved`,
          )
        }
      }
    })

    test('computes the CRC-32 of bytes in its buffers and elsewhere', () => {
      expect(kernel.crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
      const random = generator()
      const bytes = Uint8Array.from({ length: 150_000 }, () => random() * 256)
      const { golden, dump } = kernel.reserve(bytes.length, bytes.length)
      golden.set(bytes)
      dump.set(bytes)
      const lengths = [
        0, 1, 4047, 4048, 16_383, 16_384, 16_385, 16_399, 16_400, 20_160, 20_176, 28_240, 100_001, 149_990,
      ]
      for (const length of [...lengths, ...Array.from({ length: 40 }, () => Math.floor(random() * 149_990))]) {
        const start = Math.floor(random() * 10)
        const expected = crc32(bytes.subarray(start, start + length))
        for (const place of [golden, dump, bytes])
          expect(kernel.crc32(place.subarray(start, start + length))).toBe(expected)
      }
      for (const constant of [0, 0xff]) {
        golden.fill(constant)
        expect(kernel.crc32(golden)).toBe(crc32(new Uint8Array(150_000).fill(constant)))
      }
      // Computing it does not affect the comparison.
      expect([golden[0], dump.every((byte, i) => byte === bytes[i])]).toEqual([0xff, true])
    })

    test.each([
      [4, 'the golden row takes 16 bytes, but 12 were reserved'],
      [0, 'the vocabulary size must be a whole number from 1, not 0'],
      [2.5, 'the vocabulary size must be a whole number from 1, not 2.5'],
      [Number.NaN, 'the vocabulary size must be a whole number from 1, not NaN'],
    ])('refuses %d columns of 3 that were reserved', (count, message) => {
      kernel.reserve(12, 12)
      let error: unknown
      try {
        kernel.compare('float32', 'float32', count)
      } catch (caught) {
        error = caught
      }
      expect(error).toBeInstanceOf(GoldenLogitsError)
      expect(error).toMatchObject({ code: 'invalid-argument', message })
    })
  })
}

function expectComparison(found: RowComparison, { expected, exact }: RowCase): void {
  expect(found.kind).toBe(expected.kind)
  if (found.kind !== 'measured' || expected.kind !== 'measured') {
    expect(found).toEqual(expected)
    return
  }
  for (const [metric, value] of Object.entries(expected.metrics) as [keyof MeasuredRows['metrics'], number][]) {
    expectClose(metric, found.metrics[metric], value, metric === 'klDivergence' ? 1e-19 : 0)
  }
  expect(found.metrics).toMatchObject(exact)
  expect(found.support).toEqual(expected.support)
  expectStats('golden', found.golden, expected.golden)
  expectStats('dump', found.dump, expected.dump)
}

function expectStats(side: string, found: RowStats, { mean, ...expected }: RowStats): void {
  expect(found, side).toMatchObject(expected)
  expectClose(`mean of the ${side}`, found.mean, mean, 0)
}

/** Equal within 1e-9 relative, or within the absolute tolerance. Infinity must be equal. */
function expectClose(what: string, found: number, expected: number, absolute: number): void {
  const near = found === expected || Math.abs(found - expected) <= Math.max(1e-9 * Math.abs(expected), absolute)
  expect(near, `${what}: ${found}, expected ${expected}`).toBe(true)
}

const BLOCK = 1024

/** Rows of a dtype: every bit pattern for 1 and 2 bytes, various numbers for more. */
function rawRows(dtype: Dtype): Uint8Array[] {
  const item = itemSize(dtype)
  if (item === 1) return [Uint8Array.from({ length: 256 }, (_, i) => i)]
  if (item === 2) {
    return Array.from({ length: 64 }, (_, block) => {
      return new Uint8Array(Uint16Array.from({ length: BLOCK }, (_, i) => block * BLOCK + i).buffer)
    })
  }
  const random = generator()
  const size = () => (random() - 0.5) * 2 ** Math.floor(random() * 80 - 40)
  const make = {
    float64: () => Float64Array.from({ length: BLOCK }, size),
    float32: () => Float32Array.from({ length: BLOCK }, size),
    int64: () => BigInt64Array.from({ length: BLOCK }, () => BigInt(Math.floor((random() - 0.5) * 2 ** 64))),
    int32: () => Int32Array.from({ length: BLOCK }, () => (random() - 0.5) * 2 ** 32),
  }[dtype as 'float64']
  return Array.from({ length: 16 }, () => new Uint8Array(make().buffer))
}

/** A linear congruential generator of numbers in [0, 1), with the constants of Numerical Recipes. */
function generator(): () => number {
  let state = 20250301
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
