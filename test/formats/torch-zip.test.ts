import { crc32, deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { memorySource } from '../../src/io/memory-source.js'
import { openTensors } from './build/open.js'
import { bytesOf, global, int, pickle, storage, tensor, text, tuple, utf8 } from './build/pickle.js'
import { expectRefusal, expectRefused, readAll } from './build/refusal.js'
import { FOUR, type RecordSpec, torchRecords, torchZip, zip } from './build/zip.js'

const four = [{ name: '', values: [1, -2, 0.5, 8] }]
const records = torchRecords(pickle(tensor()))

/** The records with one changed. */
const changed = (name: string, change: Partial<RecordSpec>): RecordSpec[] =>
  records.map((record) => (record.name === `archive/${name}` ? { ...record, ...change } : record))

const deflated = (content: Uint8Array): Partial<RecordSpec> => ({
  content,
  packed: new Uint8Array(deflateRawSync(content)),
})

describe('the records of a torch file', () => {
  test('have one data.pkl', () => {
    const none = zip(records.slice(1))
    expectRefused(none, 'bad-archive', 'it holds 0 pickles named data.pkl, expected 1; copy or dump it again')
    const bare = zip([{ name: 'data.pkl', content: pickle(tensor()) }, ...records.slice(1)])
    expectRefused(bare, 'bad-archive', 'it holds 0 pickles named data.pkl, expected 1')
    const two = zip([...records, { name: 'other/data.pkl', content: pickle(tensor()) }])
    expectRefused(two, 'bad-archive', 'it holds 2 pickles named data.pkl, expected 1')
  })

  test('storages are under the root of the pickle', () => {
    const elsewhere = changed('data/0', { name: 'other/data/0' })
    expectRefused(zip(elsewhere), 'bad-storage', "has no record for storage '0'")
  })

  test.each(['constants.pkl', 'archive/constants.pkl', 'archive/model.json', 'model.json'])(
    'with %s are TorchScript, which is refused by name',
    (name) => {
      const bytes = zip([...records, { name, content: FOUR }])
      expectRefused(
        bytes,
        'unsupported-format',
        'is a TorchScript model, expected the logits: torch.save(logits, path)',
      )
    },
  )

  test('of NumPy arrays behind something else are refused by name', () => {
    const message = 'is a zip archive of .npy and other files, expected a file of torch.save or numpy.savez'
    const records = ['readme.txt', 'logits.npy'].map((name) => ({ name, content: FOUR }))
    expectRefused(zip(records), 'unsupported-format', message)
  })
})

describe('the byte order', () => {
  test.each<[string, string]>([
    ['Little', "its byteorder is 'Little'"],
    ['little\n', "its byteorder is 'little\\x0a'"],
    ['', "its byteorder is ''"],
    ['middle', "its byteorder is 'middle'"],
    ['little little little', 'its byteorder is 20 bytes long'],
  ])('%j is refused', (order, what) => {
    expectRefused(zip(changed('byteorder', { content: utf8(order) })), 'bad-archive', what)
  })

  test('big-endian elements are swapped', () => {
    const turned = (item: number, data: Uint8Array) =>
      new Uint8Array(Array.from({ length: data.length }, (_, i) => data[i - (i % item) + item - 1 - (i % item)]!))
    const read = (storageClass: string, item: number, data: Uint8Array) => {
      const numel = int(data.length / item)
      const pickled = pickle(
        tensor({ storage: storage({ storageClass: global('torch', storageClass), numel }), size: tuple(numel) }),
      )
      const all = torchRecords(pickled, turned(item, data))
      return readAll(zip(all.map((r) => (r.name === 'archive/byteorder' ? { ...r, content: utf8('big') } : r))))
    }
    expect(read('FloatStorage', 4, FOUR)).toEqual(four)
    expect(read('DoubleStorage', 8, new Uint8Array(Float64Array.of(1.5, -3).buffer))[0]!.values).toEqual([1.5, -3])
    expect(read('ShortStorage', 2, new Uint8Array(Int16Array.of(1, -300).buffer))[0]!.values).toEqual([1, -300])
    expect(read('CharStorage', 1, Uint8Array.of(1, 255))[0]!.values).toEqual([1, -1])
  })
})

describe('CRC-32', () => {
  test('a mismatch is an error with both values', () => {
    const error = expectRefused(
      zip(changed('data/0', { entry: { crc: 0x0badcafe } })),
      'crc-mismatch',
      'but the archive says 0badcafe: the file was damaged; copy or dump it again',
    )
    expect(error.message).toMatch(/record 'archive\/data\/0' has CRC-32 [0-9a-f]{8}, but/)
    expect(error.offset).toBeGreaterThan(0)
  })

  test('is checked for the pickle and the byte order, too', () => {
    expectRefused(
      zip(changed('data.pkl', { entry: { crc: 1 } })),
      'crc-mismatch',
      "record 'archive/data.pkl' has CRC-32",
    )
    expectRefused(zip(changed('byteorder', { entry: { crc: 1 } })), 'crc-mismatch', "record 'archive/byteorder' has")
  })

  test('0 means that it was not computed, except in a compressed record', () => {
    const none = records.map((record) => ({ ...record, entry: { crc: 0 } }))
    expect(readAll(zip(none))).toEqual(four)
    const packed = changed('data/0', { ...deflated(FOUR), entry: { crc: 0 } })
    expectRefused(zip(packed), 'crc-mismatch', 'but the archive says 00000000')
  })

  test.each<[string, Parameters<typeof tensor>[0] & object]>([
    ['a part', { size: tuple(int(2)) }],
    ['every second element', { size: tuple(int(2)), stride: tuple(int(2)) }],
    ['one element, over and over', { size: tuple(int(9)), stride: tuple(int(0)) }],
    ['a transposed view', { size: tuple(int(2), int(2)), stride: tuple(int(1), int(2)) }],
  ])('is checked if a tensor is %s of its record', (what, view) => {
    const part = torchRecords(pickle(tensor(view)))
    const bytes = (crc: number) => zip(part.map((r) => (r.name.endsWith('/0') ? { ...r, entry: { crc } } : r)))
    expectRefused(bytes(1), 'crc-mismatch', "record 'archive/data/0' has CRC-32")
    expect(readAll(bytes(crc32(FOUR)))).toEqual(readAll(bytes(0)))
    // All rows of a transposed view are read in one pass, and so is the record.
    if (what === 'a transposed view') expectRefused(bytes(1), 'crc-mismatch', 'has CRC-32', { crcBytes: 15 })
    else expect(readAll(bytes(1), { crcBytes: 15 })).toEqual(readAll(bytes(0)))
  })

  test('of a large record is checked in chunks, and once', () => {
    const numel = 700_000
    const data = new Uint8Array(new Float32Array(numel).map((_, i) => i).buffer)
    const parts = { storage: storage({ numel: int(numel) }), size: tuple(int(3)), stride: tuple(int(300_000)) }
    const bytes = zip(torchRecords(pickle(tensor(parts)), data))
    let read = 0
    const source = memorySource(bytes, 'x.pth')
    const [view] = openTensors({
      ...source,
      read(offset, into) {
        read += into.length
        source.read(offset, into)
      },
    }).tensors
    read = 0
    for (let i = 0; i < 3; i++) expect([...view!.toFloat32()]).toEqual([0, 300_000, 600_000])
    // The CRC itself is four bytes.
    expect(read).toBe(4 + data.length + 3 * 12)
    bytes[Buffer.from(bytes).indexOf(data.subarray(0, 64)) + data.length - 1]! ^= 1
    const [damaged] = openTensors(memorySource(bytes, 'x.pth')).tensors
    expectRefusal(() => damaged!.readRaw(0, 1, new Uint8Array(4)), 'crc-mismatch', "'archive/data/0'", 'x.pth')
  })

  test('one flipped bit anywhere in a record is detected', () => {
    const bytes = torchZip(pickle(tensor()))
    const start = Buffer.from(bytes).indexOf(FOUR)
    for (let bit = 0; bit < 8 * FOUR.length; bit++) {
      const damaged = bytes.slice()
      damaged[start + (bit >> 3)]! ^= 1 << (bit & 7)
      expectRefused(damaged, 'crc-mismatch', "record 'archive/data/0' has CRC-32")
    }
  })
})

describe('compressed records', () => {
  test('are inflated', () => {
    const all = records.map((record) => ({ ...record, ...deflated(record.content) }))
    expect(readAll(zip(all))).toEqual(four)
  })

  test.each<[string, Partial<RecordSpec>, string]>([
    ['that inflate to more than they say', { entry: { size: 15 } }, 'inflates to more than its 15 bytes'],
    ['that inflate to less than they say', { entry: { size: 17 } }, 'inflates to 16 bytes, expected 17'],
    ['of noise', { packed: Uint8Array.of(0xff, 0xff, 0xff) }, 'cannot be inflated'],
    ['of nothing', { packed: new Uint8Array(0) }, 'inflates to 0 bytes, expected 16'],
  ])('%s are refused', (_, change, what) => {
    const data = { ...deflated(FOUR), ...change }
    // The storage has the size that the directory states, so that only inflating shows the error.
    const numel = data.entry?.size ?? 16
    const pickled = pickle(
      tensor({
        storage: storage({ storageClass: global('torch', 'ByteStorage'), numel: int(numel) }),
        size: tuple(int(numel)),
      }),
    )
    const all = torchRecords(pickled).map((r) => (r.name === 'archive/data/0' ? { ...r, ...data } : r))
    expectRefused(zip(all), 'bad-archive', `record 'archive/data/0' ${what}`)
  })

  test('that were cut short are refused', () => {
    const packed = new Uint8Array(deflateRawSync(FOUR))
    for (let length = 0; length < packed.length - 1; length++) {
      const bytes = zip(changed('data/0', { packed: packed.subarray(0, length) }))
      expectRefused(bytes, 'bad-archive', "record 'archive/data/0'")
    }
  })

  test('zip bombs stop at the size in the directory, which has a budget', () => {
    const zeros = new Uint8Array(deflateRawSync(Buffer.alloc(64 * 2 ** 20)))
    const before = process.memoryUsage().rss
    const small = zip(changed('data/0', { packed: zeros }))
    expectRefused(small, 'bad-archive', "record 'archive/data/0' inflates to more than its 16 bytes")
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 2 ** 20)
    const honest = zip(
      torchRecords(pickle(tensor({ storage: storage({ numel: int(2 ** 24) }) }))).map((r) =>
        r.name === 'archive/data/0' ? { ...r, packed: zeros, entry: { size: 2 ** 26 } } : r,
      ),
    )
    const error = expectRefused(honest, 'limit-exceeded', 'over the budget inflatedBytes of 1000', {
      inflatedBytes: 1000,
    })
    expect(error.budget).toBe('inflatedBytes')
  })

  test('a pickle that would inflate to more than its budget is not inflated', () => {
    const pickled = changed('data.pkl', { packed: FOUR, entry: { size: 2 ** 24 + 1 } })
    const message = 'bytes of the pickle: 16777217 is over the budget pickleBytes of 16777216'
    expectRefused(zip(pickled), 'limit-exceeded', message)
  })

  test('are inflated once if a tensor reads them in many parts', () => {
    const side = 600
    const data = new Uint8Array(new Float32Array(side * side).map((_, i) => i).buffer)
    const pickled = pickle(
      tensor({
        storage: storage({ numel: int(side * side) }),
        size: tuple(int(side), int(side)),
        stride: tuple(int(1), int(side)),
      }),
    )
    const all = torchRecords(pickled).map((r) => (r.name === 'archive/data/0' ? { ...r, ...deflated(data) } : r))
    const start = performance.now()
    const [transposed] = readAll(zip(all))
    expect(transposed!.values.slice(0, 3)).toEqual([0, side, 2 * side])
    expect(performance.now() - start).toBeLessThan(5000)
  })
})

test('a text instead of a pickle is refused by its first byte', () => {
  expectRefused(
    torchZip(bytesOf(text('logits'))),
    'malformed-pickle',
    'it starts with byte 0x58, expected PROTO (0x80)',
  )
})
