import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/index.js'
import type { Dtype } from '../../src/tensor/dtype.js'
import { logits } from '../build/logits.js'
import { torchDump } from '../build/pair.js'

// Values that float32 cannot hold are compared in float64. The expected numbers follow from the formulas of the metrics.

function compare(golden: readonly number[], dump: readonly number[], dtype: Dtype, vocabSize?: number) {
  const [g, d] = [golden, dump].map((values) => torchDump([{ values, dtype }]))
  const options = vocabSize === undefined ? {} : { vocabSize }
  return compareDumps(d!, g!, { dtype: 'fp32', ...options }).tokens[0]!
}

const softmax = (row: readonly number[]) => {
  const sum = row.reduce((total, x) => total + Math.exp(x), 0)
  return row.map((x) => Math.exp(x) / sum)
}

describe('float64', () => {
  const golden = logits(1).map((x) => x / 3)

  test('rows that differ below the resolution of float32 are not equal', () => {
    const delta = 2 ** -30
    const dump = golden.with(2, golden[2]! + delta)
    expect(golden.map(Math.fround)).toEqual(dump.map(Math.fround))
    const { metrics, verdict } = compare(golden, dump, 'float64')
    const p = softmax(golden)[2]!
    // A shift of one logit: KL = p(1 − p)δ²/2 + O(δ³).
    expect(metrics!.klDivergence / ((p * (1 - p) * delta ** 2) / 2)).toBeCloseTo(1, 6)
    expect(metrics!.maxAbsoluteError).toBe(dump[2]! - golden[2]!)
    expect(verdict).toBe('pass')
  })

  test('rows whose logits float32 would make equal hold information', () => {
    const row = [0, 1, 2, 3].map((i) => 1 + i * 2 ** -40)
    const token = compare(row, row, 'float64')
    expect(token).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0, cosineSimilarity: 1 } })
    expect(token.golden).toMatchObject({ top1: 3, max: row[3], min: 1, top1Logit: row[3], logitAtOtherTop1: row[3] })
    // The honest neighbour: rows that are equal say nothing.
    expect(compare([1, 1, 1, 1], [1, 1, 1, 1], 'float64').verdict).toBe('no-information')
  })

  test('values beyond the range of float32', () => {
    expect(compare([1e39, 0, 1], [1e39, 0, 1], 'float64')).toMatchObject({
      verdict: 'pass',
      metrics: { klDivergence: 0, cosineSimilarity: 1, maxAbsoluteError: 0 },
    })
    const masked = golden.with(3, -Number.MAX_VALUE)
    expect(compare(masked, masked, 'float64')).toMatchObject({
      verdict: 'pass',
      metrics: { klDivergence: 0, cosineSimilarity: 1, relativeEuclideanDistance: 0 },
    })
    expect(compare(golden.with(1, Number.NaN), golden, 'float64').verdict).toBe('non-finite')
  })

  test('values that float32 holds give what a float32 file gives', () => {
    const [g, d] = [logits(1, 600), logits(2, 600)]
    const { metrics } = compare(g, d, 'float64')
    expect(metrics).toEqual(compare(g, d, 'float32').metrics)
  })

  test('the probability of columns that are cut off, and of ids that one side suppresses', () => {
    const row = [4 / 3, 2 / 3, 0.1, 0.2]
    const { reason } = compare(row, row, 'float64', 2)
    const cut = softmax(row)[2]! + softmax(row)[3]!
    expect(Number(/hold (\S+) of its probability/.exec(reason)![1])).toBeCloseTo(cut, 5)
    const masked = row.with(3, Number.NEGATIVE_INFINITY)
    expect(compare(masked, row, 'float64').reason).toContain('to 1 vocab id that the golden suppresses')
  })
})

describe('int32', () => {
  test('values beyond 2^24 are not merged', () => {
    const [golden, dump] = [
      [2 ** 24, 2 ** 24 + 1],
      [2 ** 24 + 1, 2 ** 24],
    ]
    const { metrics, verdict, golden: side } = compare(golden!, dump!, 'int32')
    // p = 1/(1 + e) and its complement, swapped: KL = (e − 1)/(e + 1).
    expect(metrics!.klDivergence).toBeCloseTo(Math.tanh(0.5), 12)
    expect(verdict).toBe('over-threshold')
    expect(side).toMatchObject({ top1: 1, top1Logit: 2 ** 24 + 1, logitAtOtherTop1: 2 ** 24 })
    expect(compare(golden!, golden!, 'int32')).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0 } })
  })

  test('each rank by itself', () => {
    const rank = (values: number[]) => ({ values, dtype: 'int32' as const })
    const golden = torchDump([[rank([2 ** 24, 2 ** 24 + 1]), rank([0, 1])]])
    const dump = torchDump([[rank([2 ** 24 + 1, 2 ** 24]), rank([0, 1])]])
    expect(compareDumps(dump, golden, { dtype: 'fp32' }).tokens[0]).toMatchObject({
      verdict: 'over-threshold',
      reason: expect.stringContaining('KL divergence 0.462117 is not below'),
    })
  })
})
