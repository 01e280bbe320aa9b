import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { detectFormat } from '../../../src/formats/index.js'
import { readTensors, withNumbers } from '../../../src/formats/read-tensors.js'
import { type Budgets, resolveBudgets } from '../../../src/io/budgets.js'
import { memorySource } from '../../../src/io/memory-source.js'
import type { LazyTensor } from '../../../src/tensor/tensor.js'
import { FIXTURES } from '../../conformance/format.js'
import { npy } from '../build/arrays.js'
import { legacy } from '../build/legacy.js'
import {
  bytesOf,
  dict,
  float,
  get,
  int,
  list,
  long,
  OP,
  type Part,
  pickle,
  put,
  tensor,
  text,
  tuple,
} from '../build/pickle.js'
import { expectRefusal, FILE } from '../build/refusal.js'
import { torchZip } from '../build/zip.js'

const isIds = (name: string) => name === 'ids' || name === ''

function intsIn(object: Part, budgets?: Partial<Budgets>) {
  const source = memorySource(torchZip(pickle(object)), FILE)
  return detectFormat(source).parse!(source, resolveBudgets(budgets)).ints(isIds)
}

const [ONE, TWO] = [list(int(1), int(2)), tuple(int(3), int(70000))]

test.each<[string, Part, readonly number[][]]>([
  ['a list', ONE, [[1, 2]]],
  ['a tuple', TWO, [[3, 70000]]],
  ['an int', int(-5), [[-5]]],
  ['a long', long(2n ** 40n), [[2 ** 40]]],
  [
    'a batch',
    list(ONE, TWO),
    [
      [1, 2],
      [3, 70000],
    ],
  ],
])('%s of a dict is read by its name', (_, value, sequences) => {
  const [ints, ...others] = intsIn(dict(text('logits'), tensor(), text('ids'), value, text('top'), ONE))
  expect([ints!.name, ints!.sequences, others]).toEqual(['ids', sequences, []])
  expect(intsIn(value)).toMatchObject([{ name: '', sequences }])
})

test.each<[string, Part, string]>([
  ['an empty list', list(), 'a list without items'],
  ['floats', list(int(1), float(2)), 'a list with a float'],
  ['bools', tuple(OP.NEWTRUE), 'a tuple with a bool'],
  ['beyond 2^53', list(long(2n ** 60n)), 'a list with a number'],
  ['lists and ints', list(ONE, int(1)), 'a list with a list'],
  ['an empty list in a list', list(ONE, list()), 'a list with a list'],
  ['lists of lists', list(list(ONE)), 'a list with a list'],
  ['None', OP.NONE, 'None'],
  ['a text', text('1'), 'a str'],
])('%s are no ints, which is said', (_, value, what) => {
  expect(intsIn(dict(text('ids'), value))).toEqual([{ name: 'ids', sequences: undefined, what }])
})

test('tensors, other names and what lists hold are left out', () => {
  expect(intsIn(dict(text('ids'), tensor(), text('ids2'), ONE, int(7), ONE))).toEqual([])
  expect(intsIn(list(dict(text('ids'), ONE)))).toMatchObject([{ name: '', sequences: undefined }])
  expect(intsIn(dict(text('ids'.padEnd(65)), ONE))).toEqual([])
  const source = memorySource(torchZip(pickle(ONE)), FILE)
  expect(detectFormat(source).parse!(source, resolveBudgets()).ints((name) => name !== '')).toEqual([])
})

describe('dicts in dicts', () => {
  test('give the path as a name, each dict once', () => {
    const inner = bytesOf(dict(text('ids'), ONE), put(0))
    const found = intsIn(dict(text('a'), inner, text('b'), get(0), text('ids'), TWO))
    expect(found.map(({ name }) => name)).toEqual(['ids', 'a.ids'])
  })

  test('have a budget, and so has the number of ints in lists that are shared', () => {
    const nested = dict(text('a'), dict(text('b'), dict(text('ids'), ONE)))
    expect(intsIn(nested, { nesting: 3 })).toHaveLength(1)
    expectRefusal(
      () => intsIn(nested, { nesting: 2 }),
      'limit-exceeded',
      'nested containers: 3 is over the budget nesting',
    )
    const row = bytesOf(list(...Array.from({ length: 20 }, () => int(1))), put(0))
    const shared = dict(text('ids'), list(row, get(0), get(0), get(0), get(0)))
    const budgets = { pickleOpcodes: 90 }
    const what = 'whole numbers in lists of the pickle: 100 is over the budget pickleOpcodes of 90'
    expectRefusal(() => intsIn(shared, budgets), 'limit-exceeded', what)
    expect(intsIn(shared, { pickleOpcodes: 100 })[0]!.sequences).toHaveLength(5)
  })
})

test('a cycle of dicts ends', () => {
  const cycle = bytesOf(OP.EMPTY_DICT, put(0), text('me'), get(0), OP.SETITEM, text('ids'), ONE, OP.SETITEM)
  expect(intsIn(cycle)).toHaveLength(1)
})

test('files of old torch are read too, and other formats hold none', () => {
  const source = memorySource(legacy({ object: dict(text('ids'), ONE) }), FILE)
  expect(detectFormat(source).parse!(source, resolveBudgets()).ints(isIds)).toMatchObject([{ sequences: [[1, 2]] }])
  expect(detectFormat(memorySource(npy(new Uint8Array(4)), FILE)).parse).toBeUndefined()
})

test('of real files', () => {
  const read = (name: string) =>
    withNumbers(join(FIXTURES, name), {}, ({ ints }) => ints((key) => key === 'generated_ids'))
  for (const name of ['ids/list.pt', 'ids/list-legacy.pt']) {
    expect(read(name)).toMatchObject([{ name: 'generated_ids', sequences: [[11, 12, 13, 14, 15]] }])
  }
  expect(read('npy/float32-7.npy')).toEqual([])
})

test('of a file that is parsed once for its tensors and its ints', () => {
  for (const name of ['ids/list.pt', 'ids/list-legacy.pt', 'npy/float32-7.npy']) {
    const file = join(FIXTURES, name)
    const valuesOf = (tensors: readonly LazyTensor[]) =>
      tensors.map((tensor) => [tensor.name, tensor.dtype, tensor.shape, [...tensor.toFloat32()]])
    const tensors = withNumbers(file, {}, (numbers) => {
      numbers.ints(() => true)
      return numbers.tensors()
    })
    expect(valuesOf(tensors)).toEqual(valuesOf(readTensors(file)))
    expect(tensors.length).toBeGreaterThan(0)
  }
})
