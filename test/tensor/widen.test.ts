import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Dtype, itemSize } from '../../src/tensor/dtype.js'
import { widen } from '../../src/tensor/widen.js'

function widened(view: ArrayBufferView<ArrayBuffer>, dtype: Dtype): Float32Array {
  const into = new Float32Array(view.byteLength / itemSize(dtype))
  widen(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), dtype, into)
  return into
}

/** The value of a binary float, as IEEE 754 defines it. */
function floatValue(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> (exponentBits + fractionBits) ? -1 : 1
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1)
  const fraction = bits & (2 ** fractionBits - 1)
  const bias = 2 ** (exponentBits - 1) - 1
  if (exponent === 2 ** exponentBits - 1) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits)
  return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias)
}

const PATTERNS = Uint16Array.from({ length: 65_536 }, (_, bits) => bits)

test.each<[Dtype, number, number]>([
  ['float16', 5, 10],
  ['bfloat16', 8, 7],
])('%s is exact for all 65,536 patterns', (dtype, exponentBits, fractionBits) => {
  const found = widened(PATTERNS, dtype)
  let wrong = 0
  for (const bits of PATTERNS) if (!Object.is(found[bits], floatValue(bits, exponentBits, fractionBits))) wrong++
  expect(wrong).toBe(0)
})

test('NaN keeps its payload and sign', () => {
  const bits = (halves: Uint16Array<ArrayBuffer>, dtype: Dtype) => [...new Uint32Array(widened(halves, dtype).buffer)]
  expect(bits(Uint16Array.of(0x7e00, 0xfe01, 0x7c01), 'float16')).toEqual([0x7fc00000, 0xffc02000, 0x7f802000])
  expect(bits(Uint16Array.of(0x7fc0, 0xffc1), 'bfloat16')).toEqual([0x7fc00000, 0xffc10000])
  const payload = Uint32Array.of(0x7fc12345, 0xffc00001)
  const same = widened(payload, 'float32')
  expect([...new Uint32Array(same.buffer)]).toEqual([0x7fc12345, 0xffc00001])
})

/** An integer rounded to float32 in exact arithmetic: to nearest, ties to even. */
function roundedToFloat32(value: bigint): number {
  const magnitude = value < 0n ? -value : value
  const shift = BigInt(Math.max(0, magnitude.toString(2).length - 24))
  const kept = magnitude >> shift
  const rest = magnitude - (kept << shift)
  const half = shift === 0n ? 1n : 1n << (shift - 1n)
  const up = rest > half || (rest === half && shift > 0n && (kept & 1n) === 1n) ? 1n : 0n
  return Number((value < 0n ? -1n : 1n) * ((kept + up) << shift))
}

describe('int64 is rounded once', () => {
  test('for numbers that are wrong if rounded twice', () => {
    // Halfway between two float32, plus or minus 1: rounding to float64 first would lose the 1.
    const numbers = [
      2n ** 62n + 2n ** 38n + 1n,
      2n ** 62n + 2n ** 38n,
      2n ** 62n + 2n ** 38n - 1n,
      2n ** 54n + 2n ** 30n + 1n,
    ]
    const all = [
      ...numbers,
      ...numbers.map((n) => -n),
      2n ** 63n - 1n,
      -(2n ** 63n),
      0n,
      -1n,
      2n ** 53n,
      2n ** 53n + 1n,
    ]
    expect([...widened(BigInt64Array.from(all), 'int64')]).toEqual(all.map(roundedToFloat32))
    expect(Math.fround(Number(numbers[0]!))).not.toBe(roundedToFloat32(numbers[0]!))
  })

  test('for any number', () => {
    const near = fc
      .tuple(
        fc.integer({ min: 0, max: 62 }),
        fc.integer({ min: 0, max: 62 }),
        fc.bigInt({ min: -3n, max: 3n }),
        fc.boolean(),
      )
      .map(([a, b, c, negative]) => ((1n << BigInt(a)) + (1n << BigInt(b)) + c) * (negative ? -1n : 1n))
      .map((value) => BigInt.asIntN(64, value))
    const any = fc.oneof(near, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 50 }), (numbers) => {
        expect([...widened(BigInt64Array.from(numbers), 'int64')]).toEqual(numbers.map(roundedToFloat32))
      }),
    )
  })
})

test('int32 is rounded once, to even', () => {
  const numbers = [
    2 ** 24 + 1,
    2 ** 24 + 3,
    -(2 ** 24) - 1,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 30 + 2 ** 6,
    2 ** 30 + 3 * 2 ** 6,
    0,
  ]
  const rounded = numbers.map((number) => roundedToFloat32(BigInt(number)))
  expect([...widened(Int32Array.from(numbers), 'int32')]).toEqual(rounded)
})

test('float64 is rounded once; values beyond float32 become Infinity', () => {
  const cases: [number, number][] = [
    [1 + 2 ** -24, 1],
    [1 + 2 ** -24 + 2 ** -52, 1 + 2 ** -23],
    [1 + 3 * 2 ** -24, 1 + 2 ** -22],
    [2 ** -149, 2 ** -149],
    [1.5 * 2 ** -149, 2 ** -148],
    [2 ** -150, 0],
    [-(2 ** -151), -0],
    [(2 - 2 ** -23) * 2 ** 127, (2 - 2 ** -23) * 2 ** 127],
    [(2 - 2 ** -24) * 2 ** 127, Number.POSITIVE_INFINITY],
    [-1e300, Number.NEGATIVE_INFINITY],
    [Number.NaN, Number.NaN],
  ]
  expect([
    ...widened(
      Float64Array.from(cases, ([from]) => from),
      'float64',
    ),
  ]).toEqual(cases.map(([, to]) => to))
})

test('small integers and bools are exact', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  expect([...widened(bytes, 'uint8')]).toEqual([...bytes])
  expect([...widened(bytes, 'int8')]).toEqual([...new Int8Array(bytes.buffer)])
  expect([...widened(bytes, 'bool')]).toEqual([...bytes].map((byte) => (byte === 0 ? 0 : 1)))
  const shorts = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768)
  expect([...widened(shorts, 'int16')]).toEqual([...shorts])
})

test.each<Dtype>(['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'])(
  '%s at an odd address, with more bytes behind, reads the same',
  (dtype) => {
    const item = itemSize(dtype)
    const bytes = Uint8Array.from({ length: 8 * item }, (_, i) => (i * 37) % 120)
    const odd = new Uint8Array(bytes.length + 9)
    odd.set(bytes, 1)
    const into = new Float32Array(8)
    widen(odd.subarray(1), dtype, into)
    expect([...into]).toEqual([...widened(bytes, dtype)])
  },
)

test('the size of an element is the same as in PyTorch', () => {
  const sizes = Object.entries({
    float64: 8,
    float32: 4,
    float16: 2,
    bfloat16: 2,
    int64: 8,
    int32: 4,
    int16: 2,
    int8: 1,
  })
  for (const [dtype, size] of sizes) expect(itemSize(dtype as Dtype)).toBe(size)
  expect([itemSize('uint8'), itemSize('bool')]).toEqual([1, 1])
})
