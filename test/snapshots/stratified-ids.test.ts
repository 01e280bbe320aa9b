import { expect, test } from 'vitest'
import { logitsOf, stratifiedIds } from '../../src/index.js'
import { expectRefusal } from '../formats/build/refusal.js'

const WIDTH = 1000

/** Two tokens: the first prefers ids 7 and 500, the second 999. */
function golden(width = WIDTH) {
  const data = new Float32Array(2 * width)
  data[7] = 9
  data[500] = 8
  data[width + width - 1] = 9
  return logitsOf({ data, dims: [2, width] }, { positions: 'steps' })
}

test('half of the ids are the most probable ones of all tokens, half are spread over the vocabulary', () => {
  const ids = stratifiedIds(golden(), 64)
  expect(ids.length).toBe(64)
  expect([...ids].sort((a, b) => a - b)).toEqual(ids)
  expect(ids).toEqual(expect.arrayContaining([7, 500, 999]))
  // 32 points of a sequence of low discrepancy: no gap is longer than a few times the mean.
  const gaps = ids.map((id, i) => (ids[i + 1] ?? WIDTH) - id)
  expect(Math.max(...gaps)).toBeLessThan((3 * WIDTH) / 32)
})

test('the spread ids depend on the vocabulary size alone', () => {
  const other = logitsOf({
    data: Float32Array.from({ length: WIDTH }, (_, id) => (id < 32 ? 9 - id / 100 : 0)),
    dims: [1, WIDTH],
  })
  const [a, b] = [stratifiedIds(golden(), 64), stratifiedIds(other, 64)]
  const common = a.filter((id) => b.includes(id))
  expect(common.length).toBeGreaterThanOrEqual(28)
})

test('a vocabulary that is smaller than the count gives every id', () => {
  expect(stratifiedIds(golden(10), 256)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('misuse is one clear error', () => {
  expect(() => stratifiedIds(golden(), 1)).toThrow('count must be a whole number')
  const nan = logitsOf({ data: Float32Array.of(1, Number.NaN, 0), dims: [1, 3] })
  expectRefusal(() => stratifiedIds(nan), 'nothing-to-compare', 'token 0 of the golden: it holds NaN or +Inf', nan.path)
  const answers = 'test/fixtures/answers/completion-20.json'
  expectRefusal(() => stratifiedIds(answers), 'nothing-to-compare', 'it holds log-probabilities', answers)
})
