import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS, resolveLimits } from '../../src/io/limits.js'
import { refusalOf } from '../formats/build/refusal.js'

test('limits left out have their defaults', () => {
  expect(resolveLimits()).toEqual(DEFAULT_LIMITS)
  expect(resolveLimits({ rank: 3 })).toEqual({ ...DEFAULT_LIMITS, rank: 3 })
})

test('limits left undefined have their defaults', () => {
  expect(resolveLimits({ rank: undefined })).toEqual(DEFAULT_LIMITS)
})

describe('what is no limit', () => {
  test.each(['tensor', '__proto__', 'constructor', 'x'.repeat(100), '\u001b[2J'])('named %j', (name) => {
    const error = refusalOf(() => resolveLimits(JSON.parse(`{${JSON.stringify(name)}: 1}`)))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain('there are fileBytes, pickleBytes, pickleOpcodes')
    expect(error.message).not.toContain('\u001b')
  })

  test.each([-1, Number.NaN, '5', null, 5n])('of value %s', (value) => {
    const error = refusalOf(() => resolveLimits({ rank: value as number }))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toBe('the limit rank must be a number from 0')
  })

  test.each([null, 5, 'rank'])('%j instead of limits', (limits) => {
    const error = refusalOf(() => resolveLimits(limits as unknown as object))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toBe('limits must be an object, such as { elements: 1000 }')
  })

  test('infinity is one', () => {
    expect(resolveLimits({ tensors: Number.POSITIVE_INFINITY }).tensors).toBe(Number.POSITIVE_INFINITY)
  })
})
