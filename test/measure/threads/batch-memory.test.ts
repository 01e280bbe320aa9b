import { expect, test } from 'vitest'
import type { WholePair } from '../../../src/measure/step-pair.js'
import { filledMemory, pairIn } from '../../../src/measure/threads/batch-memory.js'

function pairOf(golden: readonly string[], dump: readonly string[], problem?: string): WholePair {
  const step = { step: 3, layer: 'lm_head' }
  return { golden: { ...step, files: golden }, dump: { ...step, files: dump, ...(problem && { problem }) } }
}

const filesIn = (pair: WholePair | undefined) => pair && [pair.golden.files, pair.dump.files]

test('workers read the files of each pair as they are', () => {
  const pairs: [string[], string[]][] = [
    [['/a/golden.pth'], ['/a/dump.bin']],
    [['0', '1', '2'], ['x']],
    [[], ['only the dump']],
    [['only the golden'], []],
    [[], []],
    // Names may hold anything but NUL: quotes, line ends, letters of any script, halves of surrogate pairs.
    [['"\\\n\r\t'], ['café 中文 😀', '\ud83d', '\udc00']],
  ]
  const memory = filledMemory(
    pairs.map(([golden, dump]) => pairOf(golden, dump)),
    undefined,
  )
  pairs.forEach((files, i) => {
    expect(filesIn(pairIn(memory, i))).toEqual(files)
  })
})

test('a step with a problem is left to the main thread', () => {
  const memory = filledMemory([pairOf(['a'], ['b'], 'its folder holds two files'), pairOf(['c'], ['d'])], undefined)
  expect(pairIn(memory, 0)).toBeUndefined()
  expect(filesIn(pairIn(memory, 1))).toEqual([['c'], ['d']])
})

test('memory is used again where the pairs have room in it', () => {
  const first = filledMemory([pairOf(['golden'], ['dump']), pairOf(['golden'], ['dump'])], undefined)
  const second = filledMemory([pairOf(['g'], ['d'])], first)
  expect(second).toBe(first)
  expect(filesIn(pairIn(second, 0))).toEqual([['g'], ['d']])
  expect(filledMemory([pairOf(['g'.repeat(1000)], ['d'])], first)).not.toBe(first)
  expect(
    filledMemory(
      [0, 1, 2].map(() => pairOf(['g'], ['d'])),
      first,
    ),
  ).not.toBe(first)
})
