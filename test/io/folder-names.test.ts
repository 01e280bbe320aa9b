import { describe, expect, test } from 'vitest'
import type { EntryKind } from '../../src/io/folder.js'
import { FolderNames } from '../../src/io/folder-names.js'
import { compareNames } from '../../src/io/name-order.js'
import { digitsOf, splitAtNumber } from '../../src/io/numbered-text.js'

const files = (...names: string[]) => names.map((name) => ({ name, kind: 'file' as const }))

describe('a text is split at its last number', () => {
  test.each([
    ['12', '', 12, ''],
    ['logits_gsm8k_0_12.pth', 'logits_gsm8k_0_', 12, '.pth'],
    ['0', '', 0, ''],
    ['007', '00', 7, ''],
    ['a000', 'a00', 0, ''],
    ['999999999999999', '', 999_999_999_999_999, ''],
    ['67_LmHead', '', 67, '_LmHead'],
  ])('%s', (text, before, number, after) => {
    expect(splitAtNumber(text)).toEqual({ before, number, after })
    expect(before + digitsOf(number) + after).toBe(text)
  })

  test('if the number is exact', () => {
    for (const text of ['', 'lm_head', '1234567890123456', 'a0000000000000001']) {
      expect(splitAtNumber(text)).toBeUndefined()
    }
  })

  test('or at the last number before a position', () => {
    const text = '/dump/12/output_1.pth'
    expect(splitAtNumber(text, '/dump/12'.length)).toEqual({ before: '/dump/', number: 12, after: '/output_1.pth' })
  })
})

test('names are unchanged and sorted', () => {
  const names = ['10', '9', '0', '0_10', '0_9', '09', '9a', 'b', 'a', 'x10.pth', 'x9.pth', 'x9.bin', 'x010.pth', 'x']
  names.push('12345678901234567890', '01', '1', '-1', '1.5', '1.05', 'x9.pth2', 'é3', '3é')
  const found = [...new FolderNames(files(...names))].map(({ name }) => name)
  expect(found).toEqual([...names].sort(compareNames))
})

test('interleaved series', () => {
  const names = Array.from({ length: 300 }, (_, i) => [`${i}`, `${i}_${i % 7}`, `step${i}.pth`, `step${i}.json`]).flat()
  const found = [...new FolderNames(files(...[...names].reverse()))].map(({ name }) => name)
  expect(found).toEqual(names.sort(compareNames))
})

test('each entry keeps its kind; numbersOf selects by kind', () => {
  const kinds: [string, EntryKind][] = [
    ['3', 'folder'],
    ['1', 'folder'],
    ['2', 'file'],
    ['4', 'link'],
    ['007', 'folder'],
    ['x', 'other'],
  ]
  const names = new FolderNames(kinds.map(([name, kind]) => ({ name, kind })))
  expect([...names].map(({ name, kind }) => [name, kind])).toEqual(kinds.sort((a, b) => compareNames(a[0], b[0])))
  expect([...names.numbersOf('folder')]).toEqual([1, 3])
  expect([...names.numbersOf('other')]).toEqual([])
})
