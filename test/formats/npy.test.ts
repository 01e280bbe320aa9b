import { describe, expect, test } from 'vitest'
import { parsePythonDict } from '../../src/formats/python-dict.js'
import { npy } from './build/arrays.js'
import { expectRefused, readAll } from './build/refusal.js'
import { FOUR } from './build/zip.js'

const FLOATS = [1, -2, 0.5, 8]

describe('headers as other writers spell them', () => {
  test.each<[string, Record<string, string>]>([
    ['double quotes', { descr: '"<f4"' }],
    ['no byte order', { descr: "'f4'" }],
    ['the byte order that means none', { descr: "'|f4'" }],
    ['a list as shape', { shape: '[4]' }],
    ['long integers of Python 2', { shape: '(1L, 4L)' }],
    ['no space anywhere', { shape: '(2,2)' }],
    ['line breaks', { shape: '\n(4,\r\n\t)' }],
  ])('%s', (_, entries) => {
    expect(readAll(npy(FOUR, entries))).toEqual([{ name: '', values: FLOATS }])
  })

  test.each([1, 2, 3] as const)('version %i', (version) => {
    expect(readAll(npy(FOUR, {}, version))[0]!.values).toEqual(FLOATS)
  })

  test('a file that ends in its magic, version or length', () => {
    for (const length of [6, 7, 8, 9, 10, 11]) {
      for (const version of [1, 2] as const) {
        expectRefused(npy(FOUR, {}, version).subarray(0, length), 'bad-header', 'the file was cut short')
      }
    }
  })

  test('a dtype without a size, and one that is no string', () => {
    expectRefused(npy(FOUR, { descr: "'<f'" }), 'unsupported-dtype', "has elements of dtype '<f'; save the logits in")
    expectRefused(npy(FOUR, { descr: 'True' }), 'bad-header', 'its descr is true, expected a dtype such as')
  })

  test('a header of many spaces is within its budget, or refused', () => {
    const file = npy(FOUR, { shape: `(4,)${' '.repeat(2000)}` })
    expect(readAll(file)[0]!.values).toEqual(FLOATS)
    expectRefused(file, 'limit-exceeded', 'over the budget npyHeader of 1000', { npyHeader: 1000 })
  })

  test('what follows a shorter array may be anything', () => {
    const text = 'the file is longer than its header says'
    expectRefused(npy(FOUR, { shape: '(1,)' }), 'bad-storage', text)
    expectRefused(npy(FOUR, { shape: '(3,)' }), 'bad-storage', text)
  })
})

describe('Python dicts', () => {
  test.each<[string, unknown]>([
    ['{}', {}],
    ["{'a': 1}", { a: 1 }],
    ["{'a': [('b', '<f4', (2, 3))], }", { a: [['b', '<f4', [2, 3]]] }],
    ["{'a': (), 'b': True, \"c\": False}", { a: [], b: true, c: false }],
  ])('%s', (text, value) => {
    expect(Object.fromEntries(parsePythonDict(text) as Map<string, unknown>)).toEqual(value)
  })

  test.each<[string, string]>([
    ['', "no '{' where it belongs"],
    ['{1: 2}', 'a key that is no string'],
    ['{(1): 2}', 'a key that is no string'],
    ["{'a' 1}", "no ':' where it belongs"],
    ["{'a': }", "an unexpected '}'"],
    ["{'a': (1 2)}", "no ',' or ')' after a value"],
    ["{'a': (1]}", "no ',' or ')' after a value"],
    ["{'a': 1]", "no ',' or '}' after a value"],
    ["{'a': 1.5}", 'an unexpected character'],
    ["{'a': 1e3}", 'an unexpected character'],
    ["{'a': Trueish}", 'an unexpected character'],
    ["{'a': 'b\\'c'}", 'an unexpected character'],
    ["{'a': 12345678901234567890}", 'an unexpected character'],
    [`{'a': ${'['.repeat(10)}`, "an unexpected '['"],
    ["{'a': None}", 'an unexpected character'],
  ])('%s is none', (text, problem) => {
    expect(parsePythonDict(text)).toBe(problem)
  })

  test('a long text takes no long time', () => {
    const start = performance.now()
    for (const text of [' ', "'", '{', '1', '(', 'True']) parsePythonDict(text.repeat(65_536))
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
