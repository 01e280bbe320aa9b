import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type DeviceSelection, isNamed, mergeSelections } from '../../src/dumps/layouts/selection.js'

const of = (folder: string, tids?: [number, string[]][]): DeviceSelection => ({
  folder,
  layout: 'atb',
  ...(tids && { tids: new Map(tids) }),
})

test('selections of one folder are merged, in any order', () => {
  const [layer, step, other] = [of('a', [[0, ['a/0/x']]]), of('a', [[0, []]]), of('a', [[1, ['a/1/y']]])]
  const both = new Map([[0, ['a/0/x', 'a/0/z']]])
  expect(mergeSelections([layer, of('a', [[0, ['a/0/z']]])])).toEqual([{ folder: 'a', layout: 'atb', tids: both }])
  for (const order of [
    [layer, step, other],
    [step, layer, other],
    [other, layer, step],
  ]) {
    const [merged] = mergeSelections(order)
    expect([...merged!.tids!].sort(([a], [b]) => a - b)).toEqual([
      [0, []],
      [1, ['a/1/y']],
    ])
  }
  expect(mergeSelections([layer, of('a'), other])).toEqual([of('a')])
  expect(mergeSelections([of('a'), of('b', [[0, []]])])).toEqual([of('a'), of('b', [[0, []]])])
})

test('merging does not modify the selections', () => {
  const layer = of('a', [[0, ['x']]])
  mergeSelections([layer, of('a', [[0, ['y']]])])
  expect(layer).toEqual(of('a', [[0, ['x']]]))
})

test('a file is selected by its path, a parent folder, or its complete step', () => {
  const file = join('a', '0', 'head', 'out.bin')
  expect(isNamed(of('a'), 0, file)).toBe(true)
  expect(isNamed(of('a', [[0, []]]), 0, file)).toBe(true)
  expect(isNamed(of('a', [[0, [join('a', '0', 'head')]]]), 0, file)).toBe(true)
  expect(isNamed(of('a', [[0, [file]]]), 0, file)).toBe(true)
  expect(isNamed(of('a', [[1, []]]), 0, file)).toBe(false)
  expect(isNamed(of('a', [[0, [join('a', '0', 'hea')]]]), 0, file)).toBe(false)
})
