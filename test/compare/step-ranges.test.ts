import { expect, test } from 'vitest'
import { stepRanges } from '../../src/compare/step-ranges.js'

test.each([
  [[3], 'token 3'],
  [[3, 5], 'tokens 3 and 5'],
  [[3, 4], 'tokens 3 and 4'],
  [[0, 1, 2, 3, 4, 7, 9, 10, 11], 'tokens 0 to 4, 7 and 9 to 11'],
  [[0, 2, 4, 6, 8, 10, 12], 'tokens 0, 2, 4, 6, 8 … (7 in all)'],
  [[0, 1, 3, 4, 6, 7], 'tokens 0, 1, 3, 4, 6 and 7'],
  [[0, 1, 3, 4, 6, 8, 9], 'tokens 0, 1, 3, 4, 6 … (7 in all)'],
  [[0, 2, 4, 6, 8, 10, 11, 12], 'tokens 0, 2, 4, 6, 8 and 10 to 12'],
])('%j is written as %s', (steps, text) => {
  expect(stepRanges(steps)).toBe(text)
})
