import { describe, expect, test } from 'vitest'
import { TensorReader } from '../../src/formats/tensor-reader.js'
import { memorySource } from '../../src/io/memory-source.js'
import { bytesField, fixedField, numberField, varint } from './build/onnx.js'
import { bytesOf, utf8 } from './build/pickle.js'
import { expectRefused, readAll, refusalOf } from './build/refusal.js'
import { FOUR } from './build/zip.js'

const sizes = (...shape: number[]) => bytesOf(...shape.map((size) => numberField(1, size)))
const [float32, int64, float16] = [numberField(2, 1), numberField(2, 7), numberField(2, 10)]
const rows = bytesOf(sizes(1, 4), float32)

describe('valid files that onnx does not write', () => {
  test.each<[string, Uint8Array, number[]]>([
    ['a scalar', bytesOf(float32, bytesField(9, FOUR.subarray(0, 4))), [1]],
    [
      'a number with more bytes than it needs',
      bytesOf(sizes(1), int64, bytesField(7, Uint8Array.of(0x85, 0x80, 0))),
      [5],
    ],
    ['a tensor without a name, packed', bytesOf(rows, bytesField(4, FOUR)), [1, -2, 0.5, 8]],
    ['no elements', bytesOf(sizes(0), float32, bytesField(9, new Uint8Array(0))), []],
    ['no elements, as a list of numbers', bytesOf(sizes(0), int64, bytesField(7, new Uint8Array(0))), []],
    [
      'fields after the elements',
      bytesOf(rows, bytesField(9, FOUR), numberField(14, 0), bytesField(12, utf8('x'))),
      [1, -2, 0.5, 8],
    ],
  ])('%s', (_, bytes, values) => {
    expect(readAll(bytes)[0]!.values).toEqual(values)
  })

  test('elements one by one over several windows, in front of a name', () => {
    const count = 12_000
    const values = Array.from({ length: count }, (_, i) => (i % 3 === 1 ? -i : i))
    const fields = bytesOf(...values.map((value) => numberField(7, value)))
    const file = bytesOf(sizes(2, count / 2), int64, fields, bytesField(8, utf8('logits')))
    expect(readAll(file)).toEqual([{ name: 'logits', values }])
    const floats = bytesOf(...values.map((value) => fixedField(4, new Uint8Array(Float32Array.of(value).buffer))))
    expect(readAll(bytesOf(sizes(2, count / 2), float32, floats))[0]!.values).toEqual(values)
  })
})

test('a file of an earlier layout is decoded by its own bytes', () => {
  // Each has six bytes of elements.
  const halves = (...bits: number[]) => {
    return bytesOf(sizes(1, 3), float16, bytesField(5, bytesOf(...bits.map(varint))), bytesField(8, utf8('logits')))
  }
  const reader = new TensorReader()
  const layouts = new Set<unknown>()
  const open = (bytes: Uint8Array) => {
    const { tensors, layout } = reader.open(memorySource(bytes, 'x.pb'))
    layouts.add(layout)
    return [...tensors[0]!.toFloat32()]
  }
  expect(open(halves(0x3c00, 0xc000, 0))).toEqual([1, -2, 0])
  expect(open(halves(0xc000, 0x3c00, 1))).toEqual([-2, 1, 2 ** -24])
  expect(refusalOf(() => open(halves(0xbc00, 0x10000 + 0x4000))).message).toContain('element 1 is no number of float16')
  expect(refusalOf(() => open(halves(0x3c00, 0x3c00, 1, 1))).message).toContain('3 elements, and it has more')
  expect(refusalOf(() => open(halves(0xc000, 0xc000))).message).toContain('element 2 is missing')
  expect(layouts.size).toBe(1)
  expect(layouts.has(undefined)).toBe(false)
})

test('a budget for all that is no element', () => {
  const file = bytesOf(rows, bytesField(8, utf8('logits')), bytesField(12, utf8('x'.repeat(80))), bytesField(9, FOUR))
  expect(readAll(file, { onnxFields: 96 })[0]!.values).toEqual([1, -2, 0.5, 8])
  const text = 'bytes of an ONNX tensor beside its elements: 96 is over the budget onnxFields of 95'
  expectRefused(file, 'limit-exceeded', text, { onnxFields: 95 })
})

test('a budget for elements that are decoded together, and none for others', () => {
  const ids = bytesOf(sizes(4), int64, bytesField(7, Uint8Array.of(1, 2, 3, 4)))
  expectRefused(ids, 'limit-exceeded', 'elements decoded of one tensor: 4 is over the budget elements of 3', {
    elements: 3,
  })
  const oneByOne = bytesOf(sizes(4), int64, ...[1, 2, 3, 4].map((id) => numberField(7, id)))
  expectRefused(oneByOne, 'limit-exceeded', 'elements decoded of one tensor: 4 is over the budget elements of 3', {
    elements: 3,
  })
  expect(readAll(oneByOne, { elements: 4 })[0]!.values).toEqual([1, 2, 3, 4])
})
