import { expect, test } from 'vitest'
import { repeatedKey, topLevelKeys } from '../../src/lib/json-keys.js'

test.each<[string, string[]]>([
  ['{}', []],
  ['{"b":1,"a":2}', ['b', 'a']],
  ['{"1":0, "0":0}', ['1', '0']],
  ['{"a":1,"a":2}', ['a', 'a']],
  ['{"a":{"b":1,"c":[{"d":2},"e"]},"f":["g","h"],"i":"j,k"}', ['a', 'f', 'i']],
  ['{"a\\"b,{":1,"\\u0061":"}"}', ['a"b,{', 'a']],
  ['{ "a" : "b" , "c" : "d" }', ['a', 'c']],
  ['["a",{"b":1}]', []],
])('the outermost keys of %s', (text, keys) => {
  expect([...topLevelKeys(text)]).toEqual(keys)
  // Every entry that JSON.parse keeps is among them.
  expect(new Set(keys)).toEqual(new Set(text.startsWith('{') ? Object.keys(JSON.parse(text) as object) : []))
})

test.each<[string, string | undefined]>([
  ['{}', undefined],
  ['3', undefined],
  ['["a","a",{"a":"a"},{"a":1}]', undefined],
  ['{"a":{"b":1,"c":["b","b"]},"b":[{"b":1},{"b":1}],"c":{"b":2}}', undefined],
  ['{"a":1,"b":2,"a":1}', 'a'],
  ['{"a":{"b":1,"c":[1,2],"b":1}}', 'b'],
  ['[[{"x":{}},{"a":[{"c":"]"}],"\\u0061":1}]]', 'a'],
  ['{"__proto__":1,"__proto__":1}', '__proto__'],
])('the key that %s has twice', (text, key) => {
  JSON.parse(text)
  expect(repeatedKey(text)).toBe(key)
})
