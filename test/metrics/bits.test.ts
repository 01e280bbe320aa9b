import { Float16Array } from '@petamoriken/float16'
import { describe, expect, test } from 'vitest'
import { bitDifference } from '../../src/metrics/bits.js'
import type { Dtype } from '../../src/tensor/dtype.js'

const bytes = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
const words = (...patterns: number[]): Uint8Array => bytes(Uint16Array.from(patterns))
const floats = (...values: number[]): Uint8Array => bytes(Float32Array.from(values))

describe('the distance of two numbers in units of the last place', () => {
  // Neighbours of 1 by the definition of each format: its machine epsilon above, half of that below.
  test.each<[Dtype, Uint8Array, Uint8Array]>([
    ['float64', bytes(Float64Array.of(1)), bytes(Float64Array.of(1 + 2 ** -52))],
    ['float32', floats(1), floats(1 + 2 ** -23)],
    ['float32', floats(1), floats(1 - 2 ** -24)],
    ['float16', bytes(Float16Array.of(1)), bytes(Float16Array.of(1 + 2 ** -10))],
    // bfloat16 is the upper half of a float32: 1 is 0x3f80.
    ['bfloat16', words(0x3f80), words(0x3f81)],
    // The smallest numbers on both sides of zero are two steps apart.
    ['int8', bytes(Int8Array.of(5)), bytes(Int8Array.of(6))],
    ['int32', bytes(Int32Array.of(-1)), bytes(Int32Array.of(0))],
  ])('neighbours in %s are one apart', (dtype, a, b) => {
    expect(bitDifference(a, b, dtype)).toMatchObject({ count: 1, vocabId: 0, ulps: 1 })
    expect(bitDifference(b, a, dtype)).toMatchObject({ count: 1, vocabId: 0, ulps: 1 })
  })

  test('counts through zero', () => {
    const tiny = 2 ** -149
    expect(bitDifference(floats(tiny), floats(-tiny), 'float32')).toMatchObject({ ulps: 2 })
    expect(bitDifference(words(0x0001), words(0x8001), 'bfloat16')).toMatchObject({ ulps: 2 })
  })

  test('takes the largest, and counts every element that differs', () => {
    const difference = bitDifference(floats(1, 2, 3, 4), floats(1, 2 + 2 ** -22, 3, 4 + 3 * 2 ** -21), 'float32')
    expect(difference).toEqual({ count: 2, vocabId: 1, golden: 2, dump: 2 + 2 ** -22, ulps: 3 })
  })
})

describe('what is no difference in value', () => {
  test('signs of zero', () => {
    expect(bitDifference(floats(0, 1), floats(-0, 1), 'float32')).toEqual({
      count: 1,
      vocabId: 0,
      golden: 0,
      dump: -0,
      ulps: 0,
      only: 'signs of zero',
    })
  })

  test('payloads of NaN', () => {
    const [quiet, other] = [Uint32Array.of(0x7fc00000), Uint32Array.of(0x7fc00001)]
    expect(bitDifference(bytes(quiet), bytes(other), 'float32')).toEqual({
      count: 1,
      vocabId: 0,
      golden: Number.NaN,
      dump: Number.NaN,
      only: 'NaN payloads',
    })
  })

  test('but not where another element differs in value, or where one side alone is NaN', () => {
    expect(bitDifference(floats(0, 1), floats(-0, 2), 'float32')).not.toHaveProperty('only')
    const [quiet, other] = [0x7fc00000, 0x7fc00001].map((bits) => new Uint8Array(Uint32Array.of(bits, 0).buffer))
    other!.set([0, 0, 0, 0x80], 4)
    expect(bitDifference(quiet!, other!, 'float32')).toMatchObject({ count: 2, only: 'signs of zero and NaN payloads' })
    expect(bitDifference(floats(Number.NaN), floats(1), 'float32')).not.toHaveProperty('only')
  })
})

test('equal bits are no difference at any alignment of the bytes', () => {
  const odd = new Uint8Array(9)
  odd.set(floats(1, 2), 1)
  expect(bitDifference(odd.subarray(1), floats(1, 2), 'float32')).toBeUndefined()
  expect(bitDifference(odd.subarray(1), floats(1, 3), 'float32')).toMatchObject({ count: 1, vocabId: 1 })
})
