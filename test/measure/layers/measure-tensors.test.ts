import { describe, expect, test } from 'vitest'
import { measureTensors, type TensorPair } from '../../../src/measure/layers/measure-tensors.js'
import type { Dtype } from '../../../src/tensor/dtype.js'
import { memoryTensor } from '../../../src/tensor/memory-tensor.js'

function tensor(values: readonly number[], shape: readonly number[]) {
  return memoryTensor(new Uint8Array(Float32Array.from(values).buffer), 'float32', shape)
}

function measured(golden: ReturnType<typeof tensor>, dump: ReturnType<typeof tensor>): TensorPair {
  const pair = measureTensors(golden, dump)
  if ('reason' in pair) throw new Error(pair.reason)
  return pair
}

describe('a pair of tensors', () => {
  test('is measured position by position', () => {
    // (3, 4) → (3, 5): distance 1 of 5. (0, 2) → (2, 0): distance √8 of 2, at a right angle. (1, 0) → (1, 0).
    const pair = measured(tensor([3, 4, 0, 2, 1, 0], [1, 3, 2]), tensor([3, 5, 2, 0, 1, 0], [1, 3, 2]))
    expect([...pair.errors]).toEqual([0.2, Math.SQRT2, 0])
    expect(pair).toMatchObject({
      relativeEuclideanDistance: 0.2,
      normRatio: 1,
      cosineSimilarity: 29 / (5 * Math.sqrt(34)),
      maxAbsoluteError: 2,
      meanAbsoluteError: 5 / 6,
      elements: 6,
      differing: 3,
      positions: 3,
      leftOut: 0,
    })
    expect(pair.stats).toEqual([
      { max: 4, min: 0, mean: 10 / 6 },
      { max: 5, min: 0, mean: 11 / 6 },
    ])
  })

  test('of which one holds more positions: the last ones are compared', () => {
    const pair = measured(tensor([9, 9, 3, 4], [1, 2, 2]), tensor([3, 4], [1, 2]))
    expect(pair).toMatchObject({ positions: 1, leftOut: 1, differing: 0 })
  })

  test('with other widths or other batches is refused with both shapes', () => {
    const eight = [1, 2, 3, 4, 5, 6, 7, 8]
    const twelve = [...eight, 9, 10, 11, 12]
    const refused = (a: readonly number[], b: readonly number[], values: number[], others = values) =>
      measureTensors(tensor(values, a), tensor(others, b))
    expect(refused([2, 4], [4, 2], eight)).toEqual({ reason: 'other shapes: golden [2, 4], dump [4, 2]' })
    expect(refused([2, 2, 2], [1, 2, 2], eight, eight.slice(0, 4))).toEqual({
      reason: 'other shapes: golden [2, 2, 2], dump [1, 2, 2]',
    })
    expect(refused([2, 3, 2], [6, 2], twelve)).toMatchObject({ positions: 6, differing: 0 })
  })

  test('of which one puts the sequence before the batch is compared position by position', () => {
    // Two texts of three positions: a0 a1 a2 b0 b1 b2; the other side has a0 b0 a1 b1 a2 b2.
    const golden = tensor([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6], [2, 3, 2])
    const swapped = [1, 1, 4, 4, 2, 2, 5, 5, 3, 3, 6, 6]
    const pair = measured(golden, tensor(swapped, [3, 2, 2]))
    expect(pair).toMatchObject({ isSwapped: true, differing: 0, positions: 6, sequence: 3 })
    expect(pair.shapes).toEqual([
      [2, 3, 2],
      [3, 2, 2],
    ])
    const wrong = measured(golden, tensor(swapped.with(2, 8), [3, 2, 2]))
    expect([...wrong.errors].map((error) => error > 0)).toEqual([false, false, false, true, false, false])
    // One text, or as many texts as positions: nothing shows a swap.
    expect(measured(tensor([1, 2, 3, 4], [1, 2, 2]), tensor([1, 2, 3, 4], [2, 1, 2])).isSwapped).toBe(false)
    expect(measured(tensor([1, 2, 3, 4], [2, 2, 1]), tensor([1, 2, 3, 4], [2, 2, 1])).isSwapped).toBe(false)
  })

  test('counts NaN and infinities of one side, and ignores what both sides share', () => {
    const both = [1, Number.NEGATIVE_INFINITY]
    expect(measured(tensor(both, [1, 2]), tensor(both, [1, 2]))).toMatchObject({
      differing: 0,
      relativeEuclideanDistance: 0,
    })
    const pair = measured(tensor([1, 2], [1, 2]), tensor([1, Number.NaN], [1, 2]))
    expect(pair.nonFinite).toEqual({ golden: 0, dump: 1 })
    expect(pair.relativeEuclideanDistance).toBeNaN()
  })

  test('larger than what is read at a time, in rows that are longer than it', () => {
    const width = 300_001
    const values = Float32Array.from({ length: 2 * width }, (_, i) => (i % 7) - 3)
    const other = values.map((value, i) => (i % width === width - 1 ? value + 1 : value))
    const pair = measured(tensor([...values], [2, width]), tensor([...other], [2, width]))
    expect(pair).toMatchObject({ differing: 2, maxAbsoluteError: 1, positions: 2 })
    const squares = values.subarray(0, width).reduce((sum, value) => sum + value * value, 0)
    expect(pair.errors[0]).toBeCloseTo(1 / Math.sqrt(squares), 12)
  })

  test.each<[Dtype, number]>([
    ['bfloat16', 1 + 2 ** -7],
    ['float16', 1 + 2 ** -10],
    ['float32', 1 + 2 ** -20],
  ])('shows that its float32 values are %s', (dtype, value) => {
    expect(measured(tensor([value, 2], [1, 2]), tensor([1, 2], [1, 2])).precisions).toEqual([dtype, 'bfloat16'])
  })
})
