import { describe, expect, test } from 'vitest'
import { type Budgets, DEFAULT_BUDGETS } from '../../../src/io/budgets.js'
import {
  bytesOf,
  dict,
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
  u32,
} from '../build/pickle.js'
import { expectRefused, readAll } from '../build/refusal.js'
import { torchZip } from '../build/zip.js'

const repeat = (count: number, part: Part) => {
  const one = bytesOf(part)
  return new Uint8Array(Buffer.alloc(count * one.length, one))
}

/** Milliseconds that a function takes. */
function timeOf(body: () => unknown): number {
  const start = performance.now()
  body()
  return performance.now() - start
}

/** Far above the time of these tests (tens of milliseconds), far below anything quadratic in the pickle. */
const SOON = 20_000

describe('each budget is enforced at its default, and named in the error', () => {
  test.each<[keyof Budgets, Part, string]>([
    ['pickleOpcodes', repeat(1_000_001, bytesOf(0x80, 2)), 'opcodes of the pickle: 1000001 is over the budget'],
    ['pickleStack', repeat(200_001, OP.NONE), 'values on the stack of the pickle: 200001 is over the budget'],
    ['pickleMarks', repeat(1001, OP.MARK), 'open MARKs of the pickle: 1001 is over the budget pickleMarks of 1000'],
    ['pickleMarks', repeat(100_000, OP.MARK), 'open MARKs of the pickle: 1001 is over the budget pickleMarks of 1000'],
    ['pickleMemo', bytesOf(OP.NONE, repeat(100_001, OP.MEMOIZE)), 'values the pickle memoizes: 100001 is over'],
    ['pickleMemo', bytesOf(OP.NONE, put(100_000)), 'values the pickle memoizes: 100001 is over'],
    ['pickleMemo', bytesOf(OP.NONE, put(0xffffffff)), 'values the pickle memoizes: 4294967296 is over'],
    ['pickleString', text('x'.repeat(2 ** 20 + 1)), 'bytes of a string of the pickle: 1048577 is over'],
    ['pickleString', bytesOf(0x58, u32(2 ** 32 - 1)), 'bytes of a string of the pickle: 4294967295 is over'],
    [
      'pickleBytes',
      new Uint8Array(2 ** 24),
      'bytes of the pickle: 16777219 is over the budget pickleBytes of 16777216',
    ],
    ['tensors', list(tensor(), put(0), repeat(1000, get(0))), 'tensors in the file: 1001 is over the budget tensors'],
    ['nesting', bytesOf(tensor(), repeat(65, OP.TUPLE1)), 'nested containers: 65 is over the budget nesting of 64'],
  ])('%s', (limit, part, what) => {
    const bytes = torchZip(pickle(part))
    const error = expectRefused(bytes, 'limit-exceeded', what)
    expect(error.budget).toBe(limit)
    expect(error.message).toContain(`the budget ${limit} of ${DEFAULT_BUDGETS[limit]}; if you trust the file, raise`)
  })

  test('a file that just meets a budget is read', () => {
    const marks = pickle(repeat(998, OP.MARK), tensor(), repeat(998, OP.TUPLE))
    expect(readAll(torchZip(marks), { nesting: 998 })).toHaveLength(1)
    expect(readAll(torchZip(pickle(tensor(), repeat(64, OP.TUPLE1))))[0]!.name).toBe('0.'.repeat(64).slice(0, -1))
    expect(readAll(torchZip(pickle(list(tensor(), put(0), repeat(999, get(0))))))).toHaveLength(1000)
    expect(readAll(torchZip(pickle(dict(text('x'.repeat(2 ** 20)), tensor()))))[0]!.name).toHaveLength(2 ** 20)
  })

  test.each<[Partial<Budgets>, string]>([
    [{ pickleOpcodes: 20 }, 'opcodes of the pickle: 21 is over the budget pickleOpcodes of 20'],
    [{ pickleStack: 3 }, 'values on the stack of the pickle: 4 is over the budget pickleStack of 3'],
    [{ pickleMarks: 1 }, 'open MARKs of the pickle: 2 is over the budget pickleMarks of 1'],
    [{ pickleString: 6 }, 'bytes of a string of the pickle: 7 is over the budget pickleString of 6'],
    [{ pickleBytes: 100 }, 'is over the budget pickleBytes of 100'],
    [{ tensors: 0 }, 'tensors in the file: 1 is over the budget tensors of 0'],
    [{ rank: 0 }, 'dimensions of a tensor: 1 is over the budget rank of 0'],
    [{ elements: 3 }, 'elements decoded of one tensor: 4 is over the budget elements of 3'],
  ])('%o overrides the default', (budgets, what) => {
    const error = expectRefused(torchZip(pickle(tensor())), 'limit-exceeded', what, budgets)
    expect(error.budget).toBe(Object.keys(budgets)[0])
  })
})

describe('the cost of shared and cyclic containers is bounded by the pickle', () => {
  test('billion laughs: 60 lists, each with ten references to the previous', () => {
    const levels = Array.from({ length: 60 }, (_, i) => [put(i), list(...Array.from({ length: 10 }, () => get(i)))])
    const bytes = torchZip(pickle(OP.MARK, tensor(), ...levels.flat(), OP.TUPLE))
    expect(timeOf(() => expect(readAll(bytes)).toHaveLength(11))).toBeLessThan(SOON)
  })

  test('a list of 300,000 items that another list contains 300,000 times', () => {
    const filled = (item: Part) => [
      OP.EMPTY_LIST,
      ...Array.from({ length: 3 }, () => [OP.MARK, repeat(100_000, item), OP.APPENDS]).flat(),
    ]
    const bytes = torchZip(pickle(OP.MARK, ...filled(OP.NONE), put(0), ...filled(get(0)), tensor(), OP.TUPLE))
    expect(timeOf(() => expect(readAll(bytes).map(({ name }) => name)).toEqual(['2']))).toBeLessThan(SOON)
  })

  test('a list that contains itself', () => {
    const itself = bytesOf(OP.EMPTY_LIST, put(0), OP.MARK, get(0), tensor(), get(0), OP.APPENDS)
    expect(readAll(torchZip(pickle(itself))).map(({ name }) => name)).toEqual(['1'])
    const only = bytesOf(OP.EMPTY_LIST, put(0), get(0), OP.APPEND)
    expectRefused(torchZip(pickle(only)), 'no-tensor', 'holds a list without a tensor')
  })

  test('a dict that contains itself through a tuple', () => {
    const itself = bytesOf(
      OP.EMPTY_DICT,
      put(0),
      OP.MARK,
      text('me'),
      get(0),
      OP.TUPLE1,
      text('logits'),
      tensor(),
      OP.SETITEMS,
    )
    expect(readAll(torchZip(pickle(itself))).map(({ name }) => name)).toEqual(['logits'])
  })

  test('900,000 tuples around nothing', () => {
    const bytes = torchZip(pickle(OP.EMPTY_TUPLE, repeat(900_000, OP.TUPLE1)))
    expect(timeOf(() => expectRefused(bytes, 'limit-exceeded', 'budget nesting of 64'))).toBeLessThan(SOON)
  })
})

describe('keys and indices that are chosen to collide', () => {
  test('200,000 numbers with the same low 64 bits as keys of one dict', () => {
    const pairs = (from: number) =>
      bytesOf(...Array.from({ length: 50_000 }, (_, i) => bytesOf(long((BigInt(from + i) << 64n) + 7n, 12), OP.NONE)))
    const batches = [0, 1, 2, 3].map((batch) => bytesOf(OP.MARK, pairs(batch * 50_000), OP.SETITEMS))
    const bytes = torchZip(pickle(OP.EMPTY_DICT, ...batches, text('logits'), tensor(), OP.SETITEM))
    expect(timeOf(() => expect(readAll(bytes)).toHaveLength(1))).toBeLessThan(SOON)
  })

  test('a string of 1 MiB as a key, 99,000 times', () => {
    const flood = bytesOf(OP.MARK, text('k'.repeat(2 ** 20)), put(0), OP.NONE, repeat(99_000, bytesOf(get(0), OP.NONE)))
    const bytes = torchZip(pickle(OP.MARK, OP.EMPTY_DICT, flood, OP.SETITEMS, tensor(), OP.TUPLE))
    expect(timeOf(() => expect(readAll(bytes)).toHaveLength(1))).toBeLessThan(SOON)
  })

  test('memo indices are bounded', () => {
    const sparse = bytesOf(OP.NONE, put(99_999), put(7), get(99_999))
    expect(readAll(torchZip(pickle(OP.MARK, sparse, tensor(), OP.TUPLE)))).toHaveLength(1)
  })

  test('30,000 long numbers', () => {
    const bytes = torchZip(pickle(list(tensor(), ...Array.from({ length: 30_000 }, () => long(-(2n ** 120n), 16)))))
    expect(timeOf(() => expect(readAll(bytes)).toHaveLength(1))).toBeLessThan(SOON)
  })
})

test('the names of 1,000 tensors under a key of 1 MiB do not copy it', () => {
  const bytes = torchZip(pickle(dict(text('x'.repeat(2 ** 20)), list(tensor(), put(0), repeat(999, get(0))))))
  const before = process.memoryUsage().rss
  expect(readAll(bytes)).toHaveLength(1000)
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20)
})

test('a message about a huge string is short', () => {
  const bytes = torchZip(pickle(tuple(int(1), tensor()), text(`\u001b]0;${'y'.repeat(2 ** 19)}`), OP.BUILD))
  expect(expectRefused(bytes, 'malformed-pickle', 'BUILD on a tuple').message.length).toBeLessThan(200)
})
