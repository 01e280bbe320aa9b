import { expect, test } from 'vitest'
import { createTypescriptKernel } from '../../src/metrics/typescript-kernel.js'

const bytes = (row: number[]) => new Uint8Array(Float32Array.from(row).buffer)

test('a pair of short rows is measured as the definitions say', () => {
  const kernel = createTypescriptKernel()
  const views = kernel.reserve(12, 12)
  views.golden.set(bytes([1, 2, 4]))
  views.dump.set(bytes([1, 4, 3]))
  const result = kernel.compare('float32', 'float32', 3)
  if (result.kind !== 'measured') throw new Error(result.kind)
  const z = (row: number[]) => Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0))
  const kl = [1, 2, 4].reduce(
    (sum, g, i) => sum + Math.exp(g - z([1, 2, 4])) * (g - [1, 4, 3][i]! - (z([1, 2, 4]) - z([1, 4, 3]))),
    0,
  )
  expect(result.metrics.klDivergence).toBeCloseTo(kl, 14)
  expect(result.metrics.cosineSimilarity).toBeCloseTo(21 / Math.sqrt(21 * 26), 14)
  expect(result.metrics).toMatchObject({
    maxRelativeError: 1,
    meanRelativeError: 1.25 / 3,
    maxAbsoluteError: 2,
    meanAbsoluteError: 1,
  })
  expect(result.metrics.relativeEuclideanDistance).toBeCloseTo(Math.sqrt(5 / 21), 14)
  expect(result.golden).toEqual({ max: 4, min: 1, mean: 7 / 3, top1: 2, top1Logit: 4, logitAtOtherTop1: 2 })
  expect(result.dump).toEqual({ max: 4, min: 1, mean: 8 / 3, top1: 1, top1Logit: 4, logitAtOtherTop1: 3 })
})
