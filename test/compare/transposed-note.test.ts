import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { loadDump } from '../../src/dumps/load.js'
import { logits, rawOf } from '../build/logits.js'
import { writeTree } from '../build/tree.js'
import { npy } from '../formats/build/arrays.js'

/** Two files of rows of one shape, with a little noise between them. */
function warningsOf(rows: number, columns: number, positions: 'steps' | 'last' | 'all' = 'steps', shape?: string) {
  const load = (noise: number) => {
    const values = Array.from({ length: rows }, (_, seed) =>
      logits(seed, columns).map((value) => value + noise * seed),
    ).flat()
    const content = npy(rawOf(values, 'float32'), { shape: shape ?? `(${rows}, ${columns})` })
    return loadDump(join(writeTree({ 'logits.npy': content }), 'logits.npy'), { positions })
  }
  return compareDumps(load(1e-6), load(0), { dtype: 'bf16' }).warnings.filter((text) => text.includes('transposed'))
}

test.each(['steps', 'last', 'all'] as const)('a transposed tensor is warned of with positions: %j', (positions) => {
  expect(warningsOf(300, 5, positions)).toEqual([
    "the golden's tensor [300, 5] has more rows than columns: it may be transposed, and a row must be a vocabulary, [positions, vocabulary]; if that is right, set vocabSize: 5",
  ])
  expect(warningsOf(256, 255, positions, '(1, 256, 255)')).toHaveLength(1)
})

test.each<[string, number, number]>([
  ['fewer rows than any vocabulary has ids', 255, 5],
  ['as many rows as columns', 300, 300],
  ['more columns than rows', 256, 257],
  ['a vocabulary of a thousand ids', 1001, 1000],
  ['one row', 1, 5],
])('%s: no warning', (_, rows, columns) => {
  expect(warningsOf(rows, columns)).toEqual([])
})
