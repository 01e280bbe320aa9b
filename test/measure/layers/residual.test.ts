import { describe, expect, test } from 'vitest'
import { readRanks } from '../../../src/measure/layers/read-ranks.js'
import { sumsOf, withOrWithoutResidual } from '../../../src/measure/layers/residual.js'
import { memoryTensor } from '../../../src/tensor/memory-tensor.js'
import { vector } from '../../build/layers.js'

function tensor(values: readonly number[], width = 16) {
  return memoryTensor(new Uint8Array(Float32Array.from(values).buffer), 'float32', [values.length / width, width])
}

const hidden = vector(1, 64)
const residual = vector(2, 64)
const sum = hidden.map((value, i) => value + residual[i]!)

/** What is compared with the golden, of a layer that returns two tensors. */
function chosen(golden: readonly number[], outputs: readonly [readonly number[], readonly number[]], key?: string) {
  const [first, second] = [[[tensor(outputs[0])]], [[tensor(outputs[1])]]]
  const other = [[tensor(golden)]]
  const alone = readRanks(other, first, undefined, key)
  const together = readRanks(other, sumsOf(first, second)!, undefined, key)
  const read = withOrWithoutResidual(alone, together, 'dump', key)
  return 'reason' in read ? read : { text: read.dump.text, values: [...read.dump.tensor.toFloat32()] }
}

const TEXT = 'the sum of its first two outputs (hidden states and residual)'

describe('a layer that returns two tensors of one shape where the other side returns one', () => {
  test('is added up if the sum agrees, also with a fault in it', () => {
    expect(chosen(sum, [hidden, residual])).toEqual({ text: TEXT, values: [...Float32Array.from(sum)] })
    const faulty = hidden.map((value) => value * 1.4)
    expect(chosen(sum, [faulty, residual])).toMatchObject({ text: TEXT })
  })

  test('is compared by its first output if that agrees', () => {
    expect(chosen(hidden, [hidden, residual])).toMatchObject({ text: '' })
    expect(chosen(hidden, [hidden.map((value) => value * 1.3), residual])).toMatchObject({ text: '' })
    // A second output of zeros changes nothing.
    expect(chosen(hidden, [hidden, hidden.map(() => 0)])).toMatchObject({ text: '' })
  })

  test('is not compared if neither agrees clearly, unless layers of its kind decide', () => {
    const other = vector(9, 64)
    expect(chosen(other, [hidden, residual])).toEqual({
      reason:
        'the dump returns two tensors of one shape, and neither the first nor their sum agrees clearly with the other side',
      undecided: true,
    })
    expect(chosen(other, [hidden, residual], 'single / single')).toMatchObject({ text: '' })
    expect(chosen(other, [hidden, residual], 'single / with the residual: single')).toMatchObject({ text: TEXT })
  })

  test('has no sum if the second has another shape, or is absent', () => {
    const first = [[tensor(hidden)]]
    expect(sumsOf(first, [[tensor(vector(3, 32))]])).toBeUndefined()
    expect(sumsOf(first, [[]])).toBeUndefined()
  })
})
