import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Dtype, itemSize } from '../../src/tensor/dtype.js'
import { elementsAbove, sampledColumns, sampledRow } from '../../src/tensor/sampled-row.js'
import { exactRow } from '../../src/tensor/widen.js'

describe('the columns of a sample', () => {
  test.each([
    [1000, 4, [0, 250, 500, 750]],
    [10, 4, [0, 2, 5, 7]],
    [4, 4, [0, 1, 2, 3]],
    [3, 4, [0, 1, 2]],
    [0, 4, []],
  ])('of %d columns, at most %d', (count, most, columns) => {
    expect([...sampledColumns(count, most)]).toEqual(columns)
  })

  test('are in the row, in ascending order, at distances that differ by at most 1', () => {
    const sizes = fc.record({ count: fc.integer({ min: 1, max: 300_000 }), most: fc.integer({ min: 1, max: 5000 }) })
    fc.assert(
      fc.property(sizes, ({ count, most }) => {
        const columns = sampledColumns(count, most)
        expect(columns).toHaveLength(Math.min(count, most))
        const distances = Array.from(columns, (column, i) => (columns[i + 1] ?? count) - column)
        expect(columns[0]).toBe(0)
        expect(Math.min(...distances)).toBeGreaterThanOrEqual(1)
        // The last one ends with the row.
        const inner = distances.slice(0, -1)
        if (inner.length > 0) expect(Math.max(...inner) - Math.min(...inner)).toBeLessThanOrEqual(1)
      }),
    )
  })
})

/** Bytes of each dtype, and the numbers that they stand for by IEEE 754 and two's complement. */
const ROWS: readonly [dtype: Dtype, bytes: ArrayBufferView, values: number[]][] = [
  ['float64', Float64Array.of(0.1, -1e300, 3, Number.NEGATIVE_INFINITY), [0.1, -1e300, 3, Number.NEGATIVE_INFINITY]],
  ['float32', Float32Array.of(0.5, -2, 1e30, Number.NaN), [0.5, -2, Math.fround(1e30), Number.NaN]],
  ['float16', Uint16Array.of(0x3c00, 0xc400, 0x0001, 0xfc00), [1, -4, 2 ** -24, Number.NEGATIVE_INFINITY]],
  ['bfloat16', Uint16Array.of(0x3f80, 0xc080, 0x0001, 0x4049), [1, -4, 2 ** -133, 3.140625]],
  ['int32', Int32Array.of(2 ** 30 + 1, -7, 0, -(2 ** 31)), [2 ** 30 + 1, -7, 0, -(2 ** 31)]],
  ['int16', Int16Array.of(-32768, 32767, 0, -1), [-32768, 32767, 0, -1]],
  ['int8', Int8Array.of(-128, 127, 0, -1), [-128, 127, 0, -1]],
  ['uint8', Uint8Array.of(255, 1, 0, 128), [255, 1, 0, 128]],
]

describe.each(ROWS)('a sample of a row of %s', (dtype, view, values) => {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

  test.each([[[0, 1, 2, 3]], [[1, 3]], [[3]], [[]]])('has columns %j', (columns) => {
    const row = sampledRow(bytes, dtype, 4, Uint32Array.from(columns))
    expect([...row]).toEqual(columns.map((column) => values[column]))
  })

  test('is the same at an odd address, with more bytes behind', () => {
    const odd = new Uint8Array(bytes.length + 9).fill(0x55)
    odd.set(bytes, 1)
    expect(itemSize(dtype) * 4).toBe(bytes.length)
    expect([...sampledRow(odd.subarray(1), dtype, 4, Uint32Array.of(0, 2, 3))]).toEqual([
      values[0],
      values[2],
      values[3],
    ])
  })
})

describe.each(ROWS)('the elements above a number, of a row of %s', (dtype, view, values) => {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  const floors = [Number.NEGATIVE_INFINITY, -1e300, -5, 0, 0.7, 3.14, 1e40, Number.POSITIVE_INFINITY]

  test.each([...new Set([...floors, ...values.filter((value) => !Number.isNaN(value))])])('%d', (floor) => {
    expect([...elementsAbove(bytes, dtype, 4, floor)]).toEqual(values.filter((value) => value > floor))
  })
})

test.each<[Dtype]>([['float16'], ['bfloat16']])('all 65,536 patterns of %s but NaN are in order', (dtype) => {
  const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits)
  const values = exactRow(new Uint8Array(all.buffer), dtype, all.length)
  const finite = all.filter((bits) => !Number.isNaN(values[bits]!))
  const bytes = new Uint8Array(finite.buffer)
  for (const floor of [-1e39, -65_504, -2.5, -1e-8, -0, 0, 1e-8, 2.5, 2.5001, 65_503, 1e39]) {
    const above = elementsAbove(bytes, dtype, finite.length, floor)
    const expected = Array.from(finite, (bits) => values[bits]!).filter((value) => value > floor)
    expect(above).toHaveLength(expected.length)
    expect(above.findIndex((value, i) => !Object.is(value, expected[i]))).toBe(-1)
  }
})

test.each<[Dtype]>([['float16'], ['bfloat16']])(
  '%s: pairs of halves at any address, of even and odd numbers',
  (dtype) => {
    const pairs = fc.record({
      bits: fc.uint16Array({ minLength: 1, maxLength: 40 }),
      start: fc.nat(3),
      pick: fc.nat(40),
    })
    fc.assert(
      fc.property(pairs, ({ bits, start, pick }) => {
        const all = exactRow(new Uint8Array(bits.buffer), dtype, bits.length)
        const finite = bits.filter((_, i) => !Number.isNaN(all[i]!))
        fc.pre(finite.length > start)
        const values = exactRow(new Uint8Array(finite.buffer), dtype, finite.length).slice(start)
        const floor = values[pick % values.length]!
        const above = elementsAbove(new Uint8Array(finite.buffer, 2 * start), dtype, values.length, floor)
        expect(Array.from(above)).toEqual(Array.from(values).filter((value) => value > floor))
      }),
      { numRuns: 2000 },
    )
  },
)
