import { describe, expect, test } from 'vitest'
import { bytesOf, int, OP, pickle, tensor, tuple, u16, u32, u64, utf8 } from '../formats/build/pickle.js'
import { expectRefused, readAll } from '../formats/build/refusal.js'
import { FOUR, type RecordSpec, torchRecords, torchZip, zip } from '../formats/build/zip.js'

const four = [{ name: '', values: [1, -2, 0.5, 8] }]
const records = torchRecords(pickle(tensor()))
const good = torchZip(pickle(tensor()))

const refused = (bytes: Uint8Array, what: string) => {
  const error = expectRefused(bytes, 'bad-archive', `broken zip archive: ${what}`)
  expect(error.message).toContain('copy or dump it again')
}

/** The records with the record of a storage changed. */
const with0 = (change: Partial<RecordSpec>): RecordSpec[] =>
  records.map((record) => (record.name === 'archive/data/0' ? { ...record, ...change } : record))

describe('valid archives', () => {
  test.each<[string, Uint8Array]>([
    ['the plain one', good],
    ['with zip64 end records', zip(records, { wide: {} })],
    ['with a comment', zip(records, { end: { comment: utf8('a comment') } })],
    ['with the longest comment', zip(records, { end: { comment: new Uint8Array(65_535) } })],
    [
      'with a comment of a comment',
      zip(records, { end: { comment: bytesOf(u32(0x06054b50), utf8('no end record')) } }),
    ],
    [
      'with numbers in zip64 records only',
      zip(records, {
        wide: {},
        end: { here: 0xffff, count: 0xffff, directorySize: 0xffffffff, directoryStart: 0xffffffff },
      }),
    ],
    [
      'with padding in the local header',
      zip(with0({ local: { extra: bytesOf(utf8('FB'), u16(20), new Uint8Array(20)) } })),
    ],
    ['with other extra fields in the directory', zip(with0({ entry: { extra: bytesOf(u16(0x5455), u16(1), 0) } }))],
    ['with comments of entries', zip(with0({ entry: { comment: utf8('mine') } }))],
    [
      'with sizes in a zip64 extra field',
      zip(
        with0({
          entry: { size: 0xffffffff, compressedSize: 0xffffffff, extra: bytesOf(u16(1), u16(16), u64(16), u64(16)) },
        }),
      ),
    ],
    [
      'with data descriptors, as torch writes',
      zip(
        with0({
          local: { flags: 0x0808 },
          entry: { flags: 0x0808 },
          gap: bytesOf(u32(0x08074b50), u32(0), u32(16), u32(16)),
        }),
      ),
    ],
    ['without a CRC, as torch may write', zip(with0({ entry: { crc: 0 } }))],
    ['with entries in another order', zip([...records].reverse())],
    ['with folders', zip([{ name: 'archive/', content: new Uint8Array(0) }, ...records])],
    ['with a name in UTF-8', zip(torchRecords(pickle(tensor()), FOUR, 'größer 日本'))],
  ])('%s', (_, bytes) => {
    expect(readAll(bytes)).toEqual(four)
  })
})

describe('the end record', () => {
  test('is missing in a file that was cut short at any byte', () => {
    for (let length = 4; length < good.length; length++) {
      refused(good.subarray(0, length), '')
    }
    refused(good.subarray(0, good.length - 1), 'it has no end record, so it was cut short')
  })

  test.each<[string, Uint8Array, string]>([
    ['bytes behind the archive', zip(records, { suffix: new Uint8Array(1) }), 'it has no end record'],
    ['a comment shorter than said', zip(records, { end: { commentLength: 1 } }), 'it has no end record'],
    ['a comment longer than said', zip(records, { end: { comment: utf8('12'), commentLength: 1 } }), 'it has no end'],
    ['another disk', zip(records, { end: { disk: 1 } }), 'it is split over several disks'],
    ['a directory on another disk', zip(records, { end: { firstDisk: 1 } }), 'it is split over several disks'],
    ['entries on another disk', zip(records, { end: { here: 3 } }), 'it is split over several disks'],
    ['fewer entries', zip(records, { end: { count: 3, here: 3 } }), 'the directory continues after its last entry'],
    ['more entries', zip(records, { end: { count: 5, here: 5 } }), 'the directory ends before its last entry'],
    ['no entries', zip(records, { end: { count: 0, here: 0 } }), 'the directory continues after its last entry'],
    ['a smaller directory', zip(records, { end: { directorySize: 10 } }), 'its directory should end at byte'],
    ['a larger directory', zip(records, { end: { directorySize: 1000 } }), 'its directory should end at byte'],
    ['a directory elsewhere', zip(records, { end: { directoryStart: 0 } }), 'its directory should end at byte'],
    ['a directory at 2^32 - 1', zip(records, { end: { directoryStart: 0xffffffff } }), 'its directory should end at'],
    ['bytes between directory and end', zip(records, { beforeEnd: new Uint8Array(3) }), 'its directory should end at'],
    ['a directory that goes on', zip(records, { directoryTail: new Uint8Array(7) }), 'the directory continues after'],
  ])('with %s', (_, bytes, what) => {
    refused(bytes, what)
  })

  test('with a comment that other readers would take for the end record is refused', () => {
    const comment = bytesOf(u32(0x06054b50), new Uint8Array(18))
    expect(comment).toHaveLength(22)
    refused(zip(records, { end: { comment: bytesOf(comment, 1) } }), 'it has no end record')
    expect(readAll(zip(records, { end: { comment: comment.subarray(0, 21) } }))).toEqual(four)
  })

  test('of a second archive in the comment of the first is refused', () => {
    const other = zip(torchRecords(pickle(tensor({ offset: int(0), size: tuple(int(1)) }))))
    refused(zip(records, { end: { comment: other } }), 'its directory should end at byte')
    // Even if the offsets of the hidden archive are relative to the start of the file, the offsets of its records are not.
    refused(bytesOf(good, other), 'its directory should end at byte')
  })
})

describe('zip64 end records', () => {
  test.each<[string, Parameters<typeof zip>[1] & object, string]>([
    ['another count', { wide: { count: 5n } }, 'its two end records (zip and zip64) do not agree'],
    ['another size', { wide: { directorySize: 1n } }, 'its two end records (zip and zip64) do not agree'],
    ['another start', { wide: { directoryStart: 0n } }, 'its two end records (zip and zip64) do not agree'],
    ['another signature', { wide: { signature: 0 } }, 'its zip64 end record is broken'],
    ['another size of itself', { wide: { recordSize: 45n } }, 'its zip64 end record is broken'],
    ['a disk', { wide: { disk: 1 } }, 'it is split over several disks'],
    ['a first disk', { wide: { firstDisk: 1 } }, 'it is split over several disks'],
    ['entries elsewhere', { wide: { here: 1n } }, 'it is split over several disks'],
    [
      'a locator to another disk',
      { wide: { locatorDisk: 1 } },
      'its zip64 locator does not point to the record in front',
    ],
    ['a locator of two disks', { wide: { disks: 2 } }, 'its zip64 locator does not point to the record in front'],
    ['a locator to byte 0', { wide: { locatorOffset: 0n } }, 'its zip64 locator does not point to the record in front'],
    ['a locator beyond 2^53', { wide: { locatorOffset: 2n ** 63n } }, 'a zip64 number beyond 2^53'],
    ['a count beyond 2^53', { wide: { count: 2n ** 64n - 1n } }, 'a zip64 number beyond 2^53'],
    ['a start beyond 2^53', { wide: { directoryStart: 2n ** 53n } }, 'a zip64 number beyond 2^53'],
    [
      'a start beyond the file',
      {
        wide: { directoryStart: 2n ** 40n },
        end: { directoryStart: 0xffffffff },
      },
      'its directory should end at byte',
    ],
  ])('with %s', (_, spec, what) => {
    refused(zip(records, spec), what)
  })
})

describe('entries', () => {
  test.each<[string, Partial<RecordSpec>, string]>([
    ['a wrong signature', { entry: { signature: 0 } }, 'an entry of the directory has a wrong signature'],
    ['a name longer than the directory', { entry: { nameLength: 60_000 } }, 'an entry extends beyond the directory'],
    ['encryption', { entry: { flags: 1 } }, "record 'archive/data/0' is encrypted or patched"],
    ['a patch', { entry: { flags: 0x20 } }, "record 'archive/data/0' is encrypted or patched"],
    ['strong encryption', { entry: { flags: 0x40 } }, "record 'archive/data/0' is encrypted or patched"],
    ['masked headers', { entry: { flags: 0x2000 } }, "record 'archive/data/0' is encrypted or patched"],
    ['method 12', { entry: { method: 12 } }, "record 'archive/data/0' is compressed by method 12"],
    ['method 93', { entry: { method: 93 } }, "record 'archive/data/0' is compressed by method 93"],
    ['another disk', { entry: { disk: 1 } }, 'the archive is split over several disks'],
    ['sizes that differ', { entry: { size: 20 } }, "record 'archive/data/0' is stored, but its sizes 20 and 16 differ"],
    [
      'a size beyond the file',
      { entry: { size: 99_999, compressedSize: 99_999 } },
      "record 'archive/data/0' ends at byte",
    ],
    ['a size that is one less', { entry: { size: 15, compressedSize: 15 } }, "1 bytes after record 'archive/data/0'"],
    ['a header in the directory', { entry: { header: 500 } }, "record 'archive/data/0' starts at byte 500, outside"],
    [
      'a header beyond the file',
      { entry: { header: 0xfffffff0 } },
      "record 'archive/data/0' starts at byte 4294967280",
    ],
    ['a header within a record', { entry: { header: 3 } }, "the local header of 'archive/data/0' does not agree"],
    ['the header of another record', { entry: { header: 0 } }, "the local header of 'archive/data/0' does not agree"],
    ['another local signature', { local: { signature: 0 } }, "the local header of 'archive/data/0' does not agree"],
    [
      'another local name',
      { local: { name: utf8('archive/data/1') } },
      "the local header of 'archive/data/0' does not",
    ],
    ['a longer local name', { local: { name: utf8('archive/data/00') } }, "the local header of 'archive/data/0' does"],
    ['another local method', { local: { method: 8 } }, "the local header of 'archive/data/0' does not agree"],
    ['local encryption', { local: { flags: 1 } }, "the local header of 'archive/data/0' does not agree"],
  ])('with %s', (_, change, what) => {
    refused(zip(with0(change)), what)
  })

  test.each<[string, Uint8Array]>([
    ['too short for a field', bytesOf(u16(1), u16(4))],
    ['longer than the extra fields', bytesOf(u16(1), u16(8), u32(0))],
    ['cut within its head', bytesOf(1, 0, 8)],
    ['there twice', bytesOf(u16(1), u16(8), u64(16), u16(1), u16(8), u64(16))],
    ['of a number beyond 2^53', bytesOf(u16(1), u16(8), u64(2n ** 63n))],
    ['of more than what is wanted', bytesOf(u16(1), u16(16), u64(16), u64(16))],
    ['missing', new Uint8Array(0)],
  ])('with a zip64 extra field %s', (_, extra) => {
    refused(zip(with0({ entry: { size: 0xffffffff, extra } })), "record 'archive/data/0' has broken extra fields")
  })

  test('an unnecessary zip64 extra field is refused, since other readers might use it', () => {
    const extra = bytesOf(u16(1), u16(8), u64(12))
    refused(zip(with0({ entry: { extra } })), "record 'archive/data/0' has broken extra fields")
  })

  test.each<[string, string]>([
    ['/archive/data.pkl', '/archive/data.pkl'],
    ['../archive/x', '../archive/x'],
    ['archive/../../x', 'archive/../../x'],
    ['archive/..', 'archive/..'],
    ['archive\\data\\0', 'archive\\data\\0'],
    ['C:archive/x', 'C:archive/x'],
    ['c:/archive/x', 'c:/archive/x'],
    ['archive/x\0.pkl', 'archive/x\\x00.pkl'],
    ['', ''],
  ])('the name %j', (name, shown) => {
    const bytes = zip([...records, { name, content: FOUR }])
    refused(bytes, `a record is named '${shown}', which is not a safe relative path`)
  })

  test('with a name that is not UTF-8', () => {
    const name = Uint8Array.of(0x61, 0xff)
    const bytes = zip([...records, { name: '', content: FOUR, entry: { name }, local: { name } }])
    refused(bytes, 'a record has a name that is not UTF-8')
  })

  test('with the same name twice', () => {
    refused(zip([...records, records[0]!]), "two records are named 'archive/data.pkl'")
    refused(zip([...records, { ...records[0]!, only: 'directory' }]), "the local header of 'archive/data.pkl' does not")
    const twin = zip([records[0]!, { ...records[0]!, only: 'directory' }])
    refused(twin, "two records are named 'archive/data.pkl'")
  })
})

describe('spans', () => {
  test('that overlap are refused', () => {
    const inner = zip([{ name: 'inner', content: FOUR }]).subarray(0, 30 + 5 + 16)
    const outer: RecordSpec = { name: 'archive/outer', content: inner }
    const header = zip([...records, outer]).length
    expect(header).toBeGreaterThan(0)
    const at = zip(records).length - 22 - directoryLength(records) + 30 + 'archive/outer'.length
    const nested: RecordSpec = { name: 'inner', content: FOUR, only: 'directory', entry: { header: at } }
    refused(zip([...records, outer, nested]), "record 'archive/outer' ends at byte")
  })

  test('that share a record are refused', () => {
    const entry = records[2]!
    const twin: RecordSpec = { ...entry, name: 'archive/data/1', local: { name: utf8(entry.name) }, only: 'directory' }
    refused(zip([...records.slice(0, 3), twin]), "the local header of 'archive/data/1' does not agree")
  })

  test('never reach into the directory', () => {
    const change = { local: { extra: new Uint8Array(0) }, entry: { size: 17, compressedSize: 17 } }
    const last = records.length - 1
    const bytes = zip(records.map((record, i) => (i === last ? { ...record, ...change } : record)))
    refused(bytes, "record 'archive/version' ends at byte")
  })

  test.each([1, 11, 13, 15, 23, 25, 1000])(
    'leave no gap of %i bytes, even behind a record with a descriptor',
    (length) => {
      const gap = new Uint8Array(length)
      refused(zip(with0({ gap })), `${length} bytes after record 'archive/data/0' do not belong to any record`)
      const described = { local: { flags: 8 }, entry: { flags: 8 } }
      refused(
        zip(with0({ gap, ...described })),
        `${length} bytes after record 'archive/data/0' do not belong to any record`,
      )
    },
  )

  test.each([12, 16, 20, 24])('a gap of %i bytes is allowed only for a data descriptor', (length) => {
    const gap = new Uint8Array(length)
    expect(readAll(zip(with0({ gap, local: { flags: 8 }, entry: { flags: 8 } })))).toEqual(four)
    refused(zip(with0({ gap })), `${length} bytes after record`)
  })

  test('a record that is not in the directory is refused', () => {
    refused(zip([...records, { name: 'archive/data/1', content: FOUR, only: 'local' }]), '60 bytes after record')
    refused(zip([{ name: 'hidden', content: FOUR, only: 'local' }, ...records]), 'bytes before the first record')
  })

  test('bytes before the first record are refused', () => {
    refused(zip(records, { prefix: utf8('PK\x03\x04 in front') }), 'bytes before the first record')
  })
})

const directoryLength = (all: readonly RecordSpec[]) => all.reduce((sum, { name }) => sum + 46 + name.length, 0)

describe('budgets', () => {
  test('zipEntries', () => {
    const message = 'entries of the archive: 4 is over the budget zipEntries of 3'
    expect(expectRefused(good, 'limit-exceeded', message, { zipEntries: 3 }).budget).toBe('zipEntries')
    const many = { wide: { count: 20_001n }, end: { count: 0xffff, here: 0xffff } }
    expectRefused(zip(records, many), 'limit-exceeded', '20001 is over the budget zipEntries of 20000')
  })

  test('zipDirectory', () => {
    const message = 'bytes of the archive directory: 246 is over the budget zipDirectory of 245'
    expect(expectRefused(good, 'limit-exceeded', message, { zipDirectory: 245 }).budget).toBe('zipDirectory')
    expect(readAll(good, { zipDirectory: 246 })).toEqual(four)
  })
})

test('the name of a record is escaped and shortened in the message', () => {
  const name = `archive/\u001b[2J\u202e${'x'.repeat(500)}`
  refused(zip([...records, { name, content: FOUR, entry: { method: 99 } }]), "record 'archive/\\x1b[2J\\u202exxxx")
})

test('an archive without records is refused', () => {
  const bytes = bytesOf(good.subarray(0, 0), zip([], { prefix: utf8('PK\x03\x04') }))
  refused(bytes, '')
  refused(zip([{ name: 'x', content: bytesOf(OP.NONE) }]), 'it holds 0 pickles named data.pkl, expected 1')
})
