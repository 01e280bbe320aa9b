import { describe, expect, test } from 'vitest'
import { legacy } from '../build/legacy.js'
import {
  dict,
  float,
  global,
  int,
  list,
  long,
  OP,
  type Part,
  pickle,
  type StorageParts,
  storage,
  type TensorParts,
  tensor,
  text,
  tuple,
} from '../build/pickle.js'
import { expectRefused, readAll } from '../build/refusal.js'
import { FOUR, torchRecords, torchZip, zip } from '../build/zip.js'

const MAX = 2n ** 53n - 1n

describe('persistent ids', () => {
  test.each<[string, StorageParts, string]>([
    ['another tag', { tag: text('module') }, "a persistent id that is not ('storage', class, key, location, numel)"],
    ['a tag that is no text', { tag: int(0) }, 'a persistent id that is no'],
    ['seven items', { more: [OP.NONE, OP.NONE] }, 'a persistent id that is no'],
    ['a class that is no storage', { storageClass: global('torch', 'Size') }, 'a storage of class a global'],
    ['a class that is a text', { storageClass: text('FloatStorage') }, 'a storage of class a str'],
    ['a class that is None', { storageClass: OP.NONE }, 'a storage of class None, expected one such as torch.FloatS'],
    ['a key that is a number', { key: int(0) }, 'a storage key that is a number, expected a string'],
    ['a location that is a number', { location: int(0) }, 'a location that is a number, expected a string'],
    ['a location that is None', { location: OP.NONE }, 'a location that is None, expected a string'],
    ['elements below 0', { numel: int(-1) }, "storage '0' of -1 elements"],
    ['elements beyond 2^53', { numel: long(MAX + 1n) }, "storage '0' of 9007199254740992 elements"],
    ['elements beyond 2^64', { numel: long(2n ** 64n + 4n, 12) }, "storage '0' of 18446744073709551620 elements"],
    ['elements that are a float', { numel: float(4) }, "storage '0' of a float elements"],
    ['elements that are a bool', { numel: OP.NEWTRUE }, "storage '0' of a bool elements"],
    ['elements that are a text', { numel: text('4') }, "storage '0' of a str elements"],
    ['elements that are None', { numel: OP.NONE }, "storage '0' of None elements"],
    ['a sixth item', { more: [OP.NONE] }, "a persistent id that is not ('storage', class, key, location, numel)"],
  ])('%s', (_, parts, what) => {
    expectRefused(torchZip(pickle(tensor({ storage: storage(parts) }))), 'bad-storage', what)
  })

  test('may have six items in files before torch 1.6, and the sixth is None', () => {
    const view = (...more: Part[]) => legacy({ object: tensor({ storage: storage({ more }) }) })
    expect(readAll(view(OP.NONE))).toEqual([{ name: '', values: [1, -2, 0.5, 8] }])
    expectRefused(view(tuple(text('1'), int(0), int(4))), 'bad-storage', 'a legacy view of a storage')
    expectRefused(view(OP.NONE, OP.NONE), 'bad-storage', "a persistent id that is not ('storage', class, key")
  })

  test('that are not tuples, or too short', () => {
    const id = (part: Part) => torchZip(pickle(part, OP.BINPERSID))
    expectRefused(id(text('0')), 'bad-storage', 'a persistent id that is a str, expected a tuple')
    expectRefused(id(OP.NONE), 'bad-storage', 'a persistent id that is None, expected a tuple')
    expectRefused(id(list()), 'bad-storage', 'a persistent id that is a list, expected a tuple')
    expectRefused(id(tuple()), 'bad-storage', 'a persistent id that is no')
    expectRefused(id(tuple(text('storage'), global('torch', 'FloatStorage'))), 'bad-storage', 'a persistent id that is')
  })

  test('any location is accepted', () => {
    const wild = { location: text('cuda:0; rm -rf /\u0000\u001b[2J') }
    expect(readAll(torchZip(pickle(tensor({ storage: storage(wild) }))))).toHaveLength(1)
  })

  test('a key can only name a record of the archive', () => {
    for (const key of ['../version', '/etc/passwd', '', '0/', './0', '__proto__', 'constructor', '0\0', '\ufeff0']) {
      const bytes = torchZip(pickle(tensor({ storage: storage({ key: text(key) }) })))
      expectRefused(bytes, 'bad-storage', 'has no record for storage')
    }
  })
})

describe('records of storages', () => {
  test.each([0, 12, 15, 17, 20])('of %i bytes instead of 16', (length) => {
    const bytes = torchZip(pickle(tensor()), new Uint8Array(length))
    const what = `the record of storage '0' has ${length} bytes, expected 16 (4 of float32)`
    expectRefused(bytes, 'bad-storage', what)
  })

  test('a number of elements whose bytes are beyond 2^53', () => {
    const bytes = torchZip(pickle(tensor({ storage: storage({ numel: long(MAX) }) })))
    expectRefused(bytes, 'bad-storage', 'expected 36028797018963964 (9007199254740991 of float32)')
  })

  test('a storage described in two ways', () => {
    const as = (parts: StorageParts) => tensor({ storage: storage(parts) })
    const half = as({ storageClass: global('torch', 'HalfStorage'), numel: int(8) })
    const what = "describes storage '0' in two ways"
    expectRefused(torchZip(pickle(list(as({}), half))), 'bad-storage', what)
    const ints = as({ storageClass: global('torch', 'IntStorage') })
    expectRefused(torchZip(pickle(list(as({}), ints))), 'bad-storage', what)
  })

  test('a missing record', () => {
    const records = torchRecords(pickle(tensor())).filter(({ name }) => name !== 'archive/data/0')
    expectRefused(zip(records), 'bad-storage', "has no record for storage '0'; copy or dump it again")
  })

  test('an empty storage of tensors without elements', () => {
    const none = tensor({ storage: storage({ numel: int(0) }), size: tuple(int(0)) })
    expect(readAll(torchZip(pickle(none), new Uint8Array(0)))).toEqual([{ name: '', values: [] }])
  })
})

describe('views', () => {
  const four = (...sizes: number[]) => tuple(...sizes.map((size) => int(size)))

  test.each<[string, TensorParts, string]>([
    ['one element too many', { size: four(5) }, "reaches element 4 of storage '0', which has 4"],
    ['an offset', { offset: int(1) }, "reaches element 4 of storage '0', which has 4"],
    ['a stride', { stride: four(2) }, 'reaches element 6 of storage'],
    ['a second dimension', { size: four(2, 4), stride: four(1, 1) }, 'reaches element 4 of storage'],
    ['an offset below 0', { offset: int(-1) }, 'an offset of -1, expected a whole number from 0'],
    ['a size below 0', { size: four(-4) }, 'a size of -4, expected a whole number from 0'],
    ['a stride below 0', { offset: int(3), stride: four(-1) }, 'a stride of -1, expected a whole number from 0'],
    ['an offset beyond 2^53', { offset: long(MAX + 1n) }, 'an offset of 9007199254740992, expected'],
    [
      'sizes that wrap at 2^64',
      { size: tuple(long(2n ** 32n), long(2n ** 32n)), stride: four(0, 0) },
      '184467440737095',
    ],
    ['sizes that wrap to 0', { size: tuple(long(2n ** 40n), long(2n ** 40n)), stride: four(0, 0) }, 'elements'],
    ['a stride that wraps', { size: four(3), stride: tuple(long(2n ** 52n)) }, 'reaches element 9007199254740992 of'],
    ['strides whose sum wraps', { size: four(2, 2), stride: tuple(long(MAX), long(MAX)) }, 'reaches element 180143985'],
    ['a stride of 2^63', { size: four(2), stride: tuple(long(2n ** 63n, 9)) }, 'a stride of 9223372036854775808'],
    ['more sizes than strides', { size: four(2, 2), stride: four(1) }, '2 sizes but 1 strides'],
    ['more strides than sizes', { size: four(4), stride: four(1, 1) }, '1 sizes but 2 strides'],
    ['a size that is a float', { size: tuple(float(4)) }, 'a size of a float, expected a whole number from 0'],
    ['a size that is a bool', { size: tuple(OP.NEWTRUE) }, 'a size of a bool, expected a whole number from 0'],
    ['a size that is a text', { size: tuple(text('4')) }, 'a size of a str, expected a whole number from 0'],
    ['an offset that is None', { offset: OP.NONE }, 'an offset of None, expected a whole number from 0'],
    ['no elements, behind the end', { offset: int(5), size: four(0) }, 'starts at element 5 of 4'],
  ])('with %s', (_, parts, what) => {
    const text = 'impossible tensor: '
    expect(expectRefused(torchZip(pickle(tensor(parts))), 'bad-tensor', what).message).toContain(text)
  })

  test.each<[string, TensorParts, string]>([
    ['a size that is a list', { size: list(int(4)) }, 'the size of a tensor is a list, expected a tuple'],
    ['a stride that is None', { stride: OP.NONE }, 'the stride of a tensor is None, expected a tuple'],
    ['a storage that is a text', { storage: text('0') }, 'a tensor over a str, expected a storage'],
    ['a storage that is None', { storage: OP.NONE }, 'a tensor over None, expected a storage'],
    ['a storage that is its class', { storage: global('torch', 'FloatStorage') }, 'a tensor over a global, expected'],
  ])('with %s', (_, parts, what) => {
    expectRefused(torchZip(pickle(tensor(parts))), 'malformed-pickle', what)
  })

  test('of a rank over 64', () => {
    const ones = (count: number) => four(...Array.from({ length: count }, () => 1))
    const view = (rank: number) => torchZip(pickle(tensor({ offset: int(2), size: ones(rank), stride: ones(rank) })))
    expect(readAll(view(64))).toEqual([{ name: '', values: [0.5] }])
    const error = expectRefused(view(65), 'limit-exceeded', 'dimensions of a tensor: 65 is over the budget rank of 64')
    expect(error.budget).toBe('rank')
  })

  test.each<[string, TensorParts, number[]]>([
    ['a scalar', { offset: int(3), size: tuple(), stride: tuple() }, [8]],
    ['nothing at the end', { offset: int(4), size: four(0) }, []],
    ['nothing beside a size that does not fit', { size: tuple(long(MAX), int(0)), stride: four(1, 1) }, []],
    ['a row shown three times', { size: four(3, 2), stride: four(0, 1) }, [1, -2, 1, -2, 1, -2]],
    ['an element shown five times', { offset: int(1), size: four(5), stride: four(0) }, [-2, -2, -2, -2, -2]],
    ['a transposed square', { size: four(2, 2), stride: four(1, 2) }, [1, 0.5, -2, 8]],
    ['every second element', { offset: int(1), size: four(2), stride: four(2) }, [-2, 8]],
    ['a stride of no account', { size: tuple(int(1), int(4)), stride: tuple(long(MAX), int(1)) }, [1, -2, 0.5, 8]],
  ])('of %s are read', (_, parts, values) => {
    expect(readAll(torchZip(pickle(tensor(parts))))).toEqual([{ name: '', values }])
  })

  test('without elements whose other sizes multiply to Infinity have length 0', () => {
    const sizes = tuple(...Array.from({ length: 40 }, () => long(MAX)), int(0))
    const strides = tuple(...Array.from({ length: 41 }, () => int(1)))
    expect(readAll(torchZip(pickle(tensor({ size: sizes, stride: strides }))))).toEqual([{ name: '', values: [] }])
  })

  test('that repeat few bytes as many elements are limited by the budget', () => {
    const bomb = (size: number) => torchZip(pickle(tensor({ size: tuple(long(BigInt(size))), stride: four(0) })))
    const error = expectRefused(bomb(2 ** 28 + 1), 'limit-exceeded', 'is over the budget elements of 268435456')
    expect(error.budget).toBe('elements')
    expect(readAll(bomb(1000), { elements: 1000 })[0]!.values).toHaveLength(1000)
    expectRefused(bomb(1001), 'limit-exceeded', 'elements decoded of one tensor: 1001 is over', { elements: 1000 })
  })
})

test('a tensor next to containers of every kind is found', () => {
  const part = dict(text('a'), tuple(list(dict(text('b'), tensor()))), text('size'), tuple(int(1)))
  expect(readAll(torchZip(pickle(part), FOUR))).toEqual([{ name: 'a.0.0.b', values: [1, -2, 0.5, 8] }])
})
