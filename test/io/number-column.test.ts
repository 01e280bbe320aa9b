import { describe, expect, test } from 'vitest'
import { NumberColumn } from '../../src/io/number-column.js'

function columnOf(numbers: Iterable<number>): NumberColumn {
  const column = new NumberColumn()
  for (const number of numbers) column.push(number)
  return column
}

const LARGEST = 999_999_999_999_999

describe('pushed numbers are stored', () => {
  test.each<[string, number[]]>([
    ['nothing', []],
    ['one', [7]],
    ['numbers in a row', [5, 6, 7, 8]],
    ['the same again and again', [3, 3, 3]],
    ['zeros, then others', [0, 0, 0, 1, 0]],
    ['a row with a hole', [0, 1, 2, 4, 5]],
    ['a row that turns back', [0, 1, 2, 1]],
    ['each wider than the one before', [1, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, LARGEST]],
    ['each narrower', [LARGEST, 2 ** 32, 65_536, 256, 0]],
    ['a row of numbers as wide as they come', [LARGEST - 1, LARGEST]],
  ])('%s', (_, numbers) => {
    const column = columnOf(numbers)
    expect([...column]).toEqual(numbers)
    expect(column.length).toBe(numbers.length)
    expect(numbers.map((_, i) => column.at(i))).toEqual(numbers)
    expect([column.at(-1), column.at(numbers.length)]).toEqual([undefined, undefined])
  })

  test('many numbers, a few of them large', () => {
    const numbers = Array.from({ length: 20_000 }, (_, i) => (i % 5000 === 4999 ? LARGEST - i : (i * 7919) % 300))
    expect([...columnOf(numbers)]).toEqual(numbers)
  })
})

describe('sorted', () => {
  test.each<[string, number[], number[]]>([
    ['nothing', [], []],
    ['numbers in a row', [3, 2, 5, 4], [2, 3, 4, 5]],
    ['each once', [9, 1, 9, 1, 1], [1, 9]],
    ['the same again and again', [4, 4, 4], [4]],
    ['far from each other', [LARGEST, 0, 2 ** 33, 0, 12], [0, 12, 2 ** 33, LARGEST]],
    ['beyond 32 bits, close together', [2 ** 40 + 3, 2 ** 40, 2 ** 40 + 1], [2 ** 40, 2 ** 40 + 1, 2 ** 40 + 3]],
  ])('%s', (_, numbers, expected) => {
    const column = columnOf(numbers)
    expect([...column.sorted()]).toEqual(expected)
    expect([...column]).toEqual(numbers)
  })

  test('a hundred thousand shuffled numbers, and every third of them', () => {
    const row = Array.from({ length: 100_003 }, (_, i) => (i * 7919) % 100_003)
    expect([...columnOf(row).sorted()]).toEqual(row.map((_, i) => i))
    const third = row.map((number) => 3 * number)
    expect([...columnOf(third).sorted()]).toEqual(row.map((_, i) => 3 * i))
  })
})
