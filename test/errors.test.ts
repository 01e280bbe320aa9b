import { describe, expect, test } from 'vitest'
import { atCaller, describeValue, GoldenLogitsError, invalidArgument, printable } from '../src/errors.js'

describe('printable text', () => {
  test.each([
    ['as it is', 'größer 日本 \u{1f600}', 'größer 日本 \u{1f600}'],
    ['without control characters', 'a\nb\r\t\0\u001b[2J\u007f', 'a\\x0ab\\x0d\\x09\\x00\\x1b[2J\\x7f'],
    ['without those of the second set', '\u0085\u009b31m', '\\x85\\x9b31m'],
    ['without line separators', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
    ['without marks of direction', '\u202e\u202d\u2066\u200f\u061c', '\\u202e\\u202d\\u2066\\u200f\\u061c'],
    ['without what nobody sees', 'a\u00ad\u200b\u2060\ufeff\u180e', 'a\\xad\\u200b\\u2060\\ufeff\\u180e'],
    ['without tags', 'x\u{e0041}\u{e007f}', 'x\\u{e0041}\\u{e007f}'],
    ['without halves of characters', 'a\ud800b\udc00', 'a\\ud800b\\udc00'],
  ])('%s', (_, text, expected) => {
    expect(printable(text)).toBe(expected)
  })

  test('cut in the middle', () => {
    expect(printable(`begin${'x'.repeat(500)}end`)).toBe(`begin${'x'.repeat(35)}…${'x'.repeat(36)}end`)
    expect(printable('x'.repeat(81), 5)).toBe('xx…xx')
    expect(printable('x'.repeat(80))).toBe('x'.repeat(80))
  })
})

test.each([
  ['a\nb', "'a\\x0ab'"],
  [5, '5'],
  [5n, '5'],
  [null, 'null'],
  [undefined, 'undefined'],
  [Symbol('x'), 'Symbol(x)'],
  [[1], 'a list'],
  [{ a: 1 }, 'an object'],
  [Object.create(null), 'an object'],
  [() => 1, 'a function'],
])('the argument %o is described as %s', (value, text) => {
  expect(describeValue(value)).toBe(text)
})

test('an invalid argument is a GoldenLogitsError', () => {
  const error = invalidArgument("threads must be a whole number, got 'two'")
  expect(error).toBeInstanceOf(GoldenLogitsError)
  expect(error).toMatchObject({ code: 'invalid-argument', message: "threads must be a whole number, got 'two'" })
})

test('an error is one line of at most 1,000 characters, which names its file', () => {
  const error = new GoldenLogitsError('bad-bin', 'm'.repeat(2000), { file: `a\n${'b'.repeat(900)}`, offset: 5 })
  expect(error).toMatchObject({ name: 'GoldenLogitsError', code: 'bad-bin', offset: 5, budget: undefined })
  expect(error.message).toHaveLength(1000)
  expect(error.message).toMatch(/^a\\x0ab+…b+: m+$/)
  expect(error.file).toHaveLength(902)
  const cause = new Error('why')
  expect(new GoldenLogitsError('read-failed', 'x', { cause })).toMatchObject({ message: 'x', cause, file: undefined })
})

describe('the stack of an error begins at the caller', () => {
  const deep = (error: Error) => {
    throw error
  }
  function entry(error: Error): void {
    atCaller(entry, () => deep(error))
  }
  const framesOf = (error: Error) => error.stack!.split('\n').filter((line) => /^ +at /.test(line))
  const stackAfter = (error: Error) => {
    try {
      entry(error)
    } catch {
      return framesOf(error)
    }
    throw new Error('nothing was thrown')
  }

  test('if it is ours, for its cause too', () => {
    const cause = new Error('why')
    const error = new GoldenLogitsError('read-failed', 'x', { cause })
    expect(stackAfter(error)[0]).toContain('stackAfter')
    expect(framesOf(cause)[0]).toContain('stackAfter')
    expect(error.stack).toContain('GoldenLogitsError: x')
  })

  test('but a bug keeps its frames', () => {
    const bug = new TypeError('x')
    const before = framesOf(bug)
    expect(stackAfter(bug)).toEqual(before)
  })
})
