import { describe, expect, test } from 'vitest'
import { type LegacyParts, legacy } from './build/legacy.js'
import {
  bytesOf,
  dict,
  float,
  global,
  int,
  list,
  long,
  OP,
  type Part,
  pickle,
  storage,
  tensor,
  text,
  tuple,
  u64,
} from './build/pickle.js'
import { expectRefused, readAll } from './build/refusal.js'
import { FOUR, torchZip } from './build/zip.js'

const four = [{ name: '', values: [1, -2, 0.5, 8] }]
const other = (key: string) => tensor({ storage: storage({ key: text(key) }) })

test('a file of torch.save before 1.6 is read', () => {
  expect(readAll(legacy())).toEqual(four)
  const view = legacy({ object: tensor({ storage: storage({ more: [OP.NONE] }) }) })
  expect(readAll(view)).toEqual(four)
})

test('storages are in the order of the key list', () => {
  const eight = new Uint8Array(Float32Array.of(8, 8, 8, 8).buffer)
  const object = dict(text('a'), other('0'), text('b'), other('1'))
  const storages = bytesOf(u64(4), eight, u64(4), FOUR)
  expect(readAll(legacy({ object, keys: list(text('1'), text('0')), storages }))).toEqual([
    { name: 'a', values: [1, -2, 0.5, 8] },
    { name: 'b', values: [8, 8, 8, 8] },
  ])
})

describe('errors around the object', () => {
  test.each<[string, LegacyParts, string]>([
    ['another protocol', { protocol: int(1000) }, 'protocol 1000, expected 1001'],
    ['a protocol that is a text', { protocol: text('1001') }, 'protocol a str, expected 1001'],
    ['a protocol that is a float', { protocol: float(1001) }, 'protocol a float, expected 1001'],
    ['system info that is a list', { system: list() }, 'system info that is a list, expected a dict'],
    ['system info that is None', { system: OP.NONE }, 'system info that is None, expected a dict'],
    ['system info that says nothing', { system: dict() }, 'it was not written on a little-endian machine'],
    ['a big-endian machine', { system: dict(text('little_endian'), OP.NEWFALSE) }, 'it was not written on a little'],
    [
      'a byte order that is 1',
      { system: dict(text('little_endian'), int(1)) },
      'it was not written on a little-endian',
    ],
    ['keys that are a tuple', { keys: tuple(text('0')) }, 'storage keys that are a tuple, expected a list'],
    ['keys that are None', { keys: OP.NONE }, 'storage keys that are None, expected a list'],
    ['a key that is a number', { keys: list(int(0)) }, 'storage keys that are not strings, or not all different'],
    ['a key twice', { keys: list(text('0'), text('0')) }, 'storage keys that are not strings, or not all different'],
    ['no keys', { keys: list() }, 'lists 0 storages, but its tensors use 1'],
    ['a key too many', { keys: list(text('0'), text('1')) }, 'lists 2 storages, but its tensors use 1'],
    ['another key', { keys: list(text('1')) }, 'lists 1 storages, but its tensors use 1'],
    ['no storages', { storages: bytesOf() }, "ends inside storage '0', so it was cut short"],
    ['half a storage', { storages: bytesOf(u64(4), FOUR.subarray(8)) }, "ends inside storage '0', so it was cut short"],
    ['fewer elements', { storages: bytesOf(u64(3), FOUR) }, "storage '0' has 3 elements, but its tensors expect 4"],
    [
      'elements below 0',
      { storages: bytesOf(u64(2n ** 64n - 4n), FOUR) },
      "storage '0' has -4 elements, but its tensors expect 4",
    ],
    ['bytes behind the last storage', { storages: bytesOf(u64(4), FOUR, 0) }, 'has 1 bytes after its last'],
    ['a storage that nobody uses', { storages: bytesOf(u64(4), FOUR, u64(4), FOUR) }, 'has 24 bytes after'],
    [
      'a zip archive behind',
      { storages: bytesOf(u64(4), FOUR, torchZip(pickle(tensor()))) },
      'has 602 bytes after its last storage',
    ],
  ])('%s', (_, parts, what) => {
    const message = `broken file of torch.save before 1.6: ${what}`
    expect(expectRefused(legacy(parts), 'bad-legacy', message).message).toContain('copy or dump it again')
  })

  test.each<[string, Part]>([
    ['another number', long(0x1950a86a20f9469cfc6dn, 10)],
    ['a dict', dict(text('logits'), OP.NONE)],
    ['a tensor', tensor()],
  ])('%s instead of the magic number is refused', (_, magic) => {
    expectRefused(legacy({ magic }), 'unsupported-format', 'is a pickle, but not from torch.save; expected the logits')
  })

  test('a gadget instead of the magic number is refused before anything else', () => {
    const magic = bytesOf(global('os', 'system'), tuple(text('id')), OP.REDUCE)
    expectRefused(legacy({ magic }), 'disallowed-global', "'os.system'")
    expectRefused(legacy({ system: magic }), 'disallowed-global', "'os.system'")
    expectRefused(legacy({ object: magic }), 'disallowed-global', "'os.system'")
    expectRefused(legacy({ keys: magic }), 'disallowed-global', "'os.system'")
  })

  test('storages described in two ways', () => {
    const numel = { numel: int(8) }
    const object = list(tensor(), tensor({ storage: storage(numel) }))
    expectRefused(legacy({ object }), 'bad-storage', "describes storage '0' in two ways")
    const dtype = { storageClass: global('torch', 'DoubleStorage') }
    expectRefused(legacy({ object: list(tensor(), tensor({ storage: storage(dtype) })) }), 'bad-storage', 'in two ways')
    const alike = { storageClass: global('torch', 'IntStorage') }
    expectRefused(legacy({ object: list(tensor(), tensor({ storage: storage(alike) })) }), 'bad-storage', 'in two ways')
  })

  test('a view of a storage, which torch no longer writes', () => {
    const object = tensor({ storage: storage({ more: [tuple(text('v'), int(0), int(4))] }) })
    expectRefused(legacy({ object }), 'bad-storage', 'a legacy view of a storage, which torch no longer writes')
  })

  test('an object without a tensor', () => {
    expectRefused(legacy({ object: dict(), keys: list(), storages: bytesOf() }), 'no-tensor', 'holds a dict without')
  })

  test('a storage of more bytes than any file', () => {
    const numel = 2n ** 53n - 1n
    const object = tensor({ storage: storage({ numel: long(numel) }) })
    expectRefused(legacy({ object, storages: bytesOf(u64(numel), FOUR) }), 'bad-legacy', "ends inside storage '0'")
  })
})

test('a file cut at any byte is refused', () => {
  const whole = legacy()
  for (let length = 1; length < whole.length; length++) {
    expect(() => readAll(whole.subarray(0, length))).toThrow(/malformed pickle|cut short/)
  }
})

describe('pickles longer than the first window', () => {
  const long70 = dict(text('note'), text('x'.repeat(70_000)), text('logits'), tensor())

  test('are read', () => {
    expect(readAll(legacy({ object: long70 }))).toEqual([{ name: 'logits', values: [1, -2, 0.5, 8] }])
    const lines = list(...Array.from({ length: 20_000 }, () => text('note')), tensor())
    expect(readAll(legacy({ object: lines }))).toHaveLength(1)
  })

  test('are refused over the budget pickleBytes', () => {
    const limit = { pickleBytes: 66_000 }
    const message = 'is over the budget pickleBytes of 66000'
    expect(expectRefused(legacy({ object: long70 }), 'limit-exceeded', message, limit).budget).toBe('pickleBytes')
    expectRefused(legacy(), 'limit-exceeded', 'is over the budget pickleBytes of 50', { pickleBytes: 50 })
    expectRefused(legacy(), 'limit-exceeded', 'is over the budget pickleBytes of 0', { pickleBytes: 0 })
  })

  test('with an error within the first window are read once', () => {
    const object = bytesOf(long70, 0x69)
    expectRefused(legacy({ object }), 'unsupported-opcode', '0x69')
    const storages = bytesOf(u64(4), FOUR, new Uint8Array(100_000))
    expectRefused(
      legacy({ object: bytesOf(OP.NONE, OP.NONE), storages }),
      'malformed-pickle',
      '2 values left at its end',
    )
  })
})
