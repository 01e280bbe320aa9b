import { describe, expect, test } from 'vitest'
import { DEFAULT_BUDGETS, resolveBudgets } from '../../src/io/budgets.js'
import { refusalOf } from '../formats/build/refusal.js'

test('omitted budgets have their defaults', () => {
  expect(resolveBudgets()).toEqual(DEFAULT_BUDGETS)
  expect(resolveBudgets({ rank: 3 })).toEqual({ ...DEFAULT_BUDGETS, rank: 3 })
})

test('undefined budgets have their defaults', () => {
  expect(resolveBudgets({ rank: undefined })).toEqual(DEFAULT_BUDGETS)
})

describe('invalid budgets', () => {
  test.each(['tensor', '__proto__', 'constructor', 'x'.repeat(100), '\u001b[2J'])('the name %j', (name) => {
    const error = refusalOf(() => resolveBudgets(JSON.parse(`{${JSON.stringify(name)}: 1}`)))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain('there are fileBytes, pickleBytes, pickleOpcodes')
    expect(error.message).not.toContain('\u001b')
  })

  test.each([-1, Number.NaN, '5', null, 5n])('the value %s', (value) => {
    const error = refusalOf(() => resolveBudgets({ rank: value as number }))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toBe('the budget rank must be a number from 0')
  })

  test.each([null, 5, 'rank'])('%j instead of budgets', (budgets) => {
    const error = refusalOf(() => resolveBudgets(budgets as unknown as object))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toBe('budgets must be an object, such as { elements: 1000 }')
  })

  test('Infinity is allowed', () => {
    expect(resolveBudgets({ tensors: Number.POSITIVE_INFINITY }).tensors).toBe(Number.POSITIVE_INFINITY)
  })
})
