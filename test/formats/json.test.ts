import { expect, test } from 'vitest'
import { at, listAt, readJson, startsJson } from '../../src/formats/json.js'
import { DEFAULT_BUDGETS } from '../../src/io/budgets.js'
import { memorySource } from '../../src/io/memory-source.js'
import { expectRefusal, FILE } from './build/refusal.js'

function read(text: string, budgets = DEFAULT_BUDGETS) {
  return readJson(memorySource(Buffer.from(text), FILE), budgets)
}

test.each([
  ['one value', '{"a": 1}', [{ a: 1 }]],
  ['one value over several lines', '{\n"a": 1\n}\n', [{ a: 1 }]],
  ['a value on each line', '{"a": 1}\n\n{"a": 2}\r\n', [{ a: 1 }, { a: 2 }]],
  ['an array of objects', '[{"a": 1}, {"a": 2}]', [{ a: 1 }, { a: 2 }]],
  ['an array of objects on each line', '[{"a": 1}, {"a": 2}]\n[{"a": 3}]', [{ a: 1 }, { a: 2 }, { a: 3 }]],
  ['an array of lists, which is one value', '[[1], [2]]', [[[1], [2]]]],
  ['an array of objects whose keys are ids, which is one value', '[{"1": 1}]', [[{ 1: 1 }]]],
  ['an empty array', '[]', [[]]],
  ['a mark of the byte order', '\ufeff{"a": 1}', [{ a: 1 }]],
  ['numbers as Python writes them', '[[NaN, Infinity, -Infinity]]', [[['NaN', Infinity, -Infinity]]]],
  ['their names in texts', '{"a\\"NaN": ["Infinity", NaN]}', [{ 'a"NaN': ['Infinity', 'NaN'] }]],
])('%s', (_, text, values) => {
  expect(read(text)).toEqual(values)
})

test('a text that is no JSON, and looks like no file of logits, is not taken', () => {
  for (const text of ['{', '', '{"a": 1}\nx', '{"task": NaN', '{"a": "NaN']) expect(read(text), text).toBeUndefined()
})

test.each([
  ['an answer', '{"logprobs": [1', 'is no JSON: ', 'save the whole answer of the server'],
  ['golden logits', '{"logits": [[1', 'is no JSON: ', 'write the file again: one JSON object on each line'],
  ['golden logits after good ones', '{"logits": [[1]]}\n\n{"logits": [[NaN', 'is no JSON: line 2: ', 'write the file'],
])('%s that was cut is one clear error', (_, text, found, advice) => {
  const { message } = expectRefusal(() => read(text), 'unsupported-format', found)
  expect(message).toContain(advice)
})

test('an error shows no control characters of the file', () => {
  const { message } = expectRefusal(() => read('{"logits": [\u0007\u009b'), 'unsupported-format', 'is no JSON: ')
  expect(message).not.toMatch(/\p{Cc}/u)
})

test('budgets hold before anything is parsed', () => {
  const broken = '[[1,2],{'
  const bytes = 'bytes of a JSON file: 8 is over the budget jsonBytes of 7; if you trust the file'
  expectRefusal(() => read(broken, { ...DEFAULT_BUDGETS, jsonBytes: 7 }), 'limit-exceeded', bytes)
  const values = 'values in a JSON file: 5 is over the budget jsonValues of 4; if you trust the file'
  expectRefusal(() => read(broken, { ...DEFAULT_BUDGETS, jsonValues: 4 }), 'limit-exceeded', values)
  expect(read('[[1,2],{}]', { ...DEFAULT_BUDGETS, jsonBytes: 10, jsonValues: 5 })).toEqual([[[1, 2], {}]])
})

test('a long text that never ends takes no long time', () => {
  const started = performance.now()
  expect(read(`["NaN", "${'\\"'.repeat(2_000_000)}`)).toBeUndefined()
  expect(read(`[NaN, ${'"x", '.repeat(500_000)}`)).toBeUndefined()
  expect(performance.now() - started).toBeLessThan(20_000)
})

test('keys of objects themselves alone count', () => {
  const value = JSON.parse('{"a": {"b": [1]}, "__proto__": {"c": []}}') as never
  expect(listAt(value, 'a', 'b')).toEqual([1])
  expect(listAt(value, 'a')).toBeUndefined()
  expect(listAt(value, '__proto__', 'c')).toEqual([])
  for (const path of [['toString'], ['a', 'b', '0'], ['x', 'y']]) expect(at(value, ...path)).toBeUndefined()
})

test.each([
  ['{', true],
  ['\ufeff [', true],
  ['', false],
  ['x{', false],
])('%j may be JSON: %s', (text, is) => {
  expect(startsJson(memorySource(Buffer.from(text), FILE))).toBe(is)
})
