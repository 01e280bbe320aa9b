import { describe, expect, test } from 'vitest'
import { safetensors } from './build/arrays.js'
import { bytesOf } from './build/pickle.js'
import { expectRefused, readAll } from './build/refusal.js'
import { FOUR } from './build/zip.js'

const entry = (from: number, to: number) => ({ dtype: 'F32', shape: [(to - from) / 4], data_offsets: [from, to] })

describe('valid files that the library does not write', () => {
  test('tensors in another order than their data', () => {
    const file = safetensors({ late: entry(8, 16), early: entry(0, 8) }, FOUR)
    expect(readAll(file)).toEqual([
      { name: 'late', values: [0.5, 8] },
      { name: 'early', values: [1, -2] },
    ])
  })

  test('names that are numbers keep their order, and names of properties are names', () => {
    const one = JSON.stringify(entry(0, 4))
    const text = `{"10":${one},"9":${JSON.stringify(entry(4, 8))},"__proto__":${JSON.stringify(entry(8, 16))}}`
    expect(readAll(safetensors(text, FOUR)).map(({ name }) => name)).toEqual(['10', '9', '__proto__'])
  })

  test('spaces after the header, and metadata of any kind', () => {
    const text = `{"__metadata__":{"a":"b"},"logits":${JSON.stringify(entry(0, 16))}}   `
    expect(readAll(safetensors(text, FOUR))).toEqual([{ name: 'logits', values: [1, -2, 0.5, 8] }])
  })

  test('an empty tensor between others', () => {
    const header = { a: entry(0, 8), none: { dtype: 'F32', shape: [2, 0], data_offsets: [8, 8] }, b: entry(8, 16) }
    expect(readAll(safetensors(header, FOUR)).map(({ values }) => values.length)).toEqual([2, 0, 2])
  })
})

test('a header over its budget is refused before it is read', () => {
  const budgets = { safetensorsHeader: 20 }
  const text = 'bytes of the safetensors header: 60 is over the budget safetensorsHeader of 20'
  expectRefused(safetensors({ logits: entry(0, 16) }, FOUR), 'limit-exceeded', text, budgets)
})

test('bytes after the header that no tensor uses are refused, wherever they are', () => {
  expectRefused(safetensors({ a: entry(0, 16) }, bytesOf(FOUR, 0)), 'bad-storage', 'the file is longer than its header')
  expectRefused(safetensors({ a: entry(0, 4), b: entry(8, 16) }, FOUR), 'bad-storage', "'b' leaves 4 bytes before it")
})
