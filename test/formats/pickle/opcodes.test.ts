import { describe, expect, test } from 'vitest'
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
  shortText,
  stackGlobal,
  tensor,
  text,
  tuple,
  u16,
  u32,
  u64,
  utf8,
} from '../build/pickle.js'
import { expectRefused, readAll } from '../build/refusal.js'
import { torchZip } from '../build/zip.js'

/** The supported opcodes, with valid arguments after PROTO and before a tensor. */
const ALLOWED: readonly (readonly [string, Part])[] = [
  ['PROTO', bytesOf(0x80, 5)],
  ['FRAME', bytesOf(0x95, u64(1))],
  ['NONE', OP.NONE],
  ['NEWTRUE', OP.NEWTRUE],
  ['NEWFALSE', OP.NEWFALSE],
  ['BININT', int(-7)],
  ['BININT1', int(7)],
  ['BININT2', bytesOf(0x4d, u16(700))],
  ['LONG1', long(-(2n ** 100n), 16)],
  ['LONG1 of no bytes, which is 0', bytesOf(0x8a, 0)],
  ['BINFLOAT', float(1.5)],
  ['BINUNICODE', text('ö')],
  ['SHORT_BINUNICODE', shortText('ö')],
  ['EMPTY_TUPLE', OP.EMPTY_TUPLE],
  ['TUPLE', tuple(int(1))],
  ['TUPLE1', bytesOf(int(1), OP.TUPLE1)],
  ['TUPLE2', bytesOf(int(1), int(2), OP.TUPLE2)],
  ['TUPLE3', bytesOf(int(1), int(2), int(3), OP.TUPLE3)],
  ['EMPTY_LIST', OP.EMPTY_LIST],
  ['APPEND', bytesOf(OP.EMPTY_LIST, int(1), OP.APPEND)],
  ['APPENDS', list(int(1), int(2))],
  ['EMPTY_DICT', OP.EMPTY_DICT],
  ['SETITEM', bytesOf(OP.EMPTY_DICT, int(1), int(2), OP.SETITEM)],
  ['SETITEMS', dict(int(1), int(2), float(0.5), int(3), OP.NONE, int(4), OP.NEWTRUE, int(5))],
  ['BINPUT and BINGET', bytesOf(int(1), put(200), get(200))],
  ['LONG_BINPUT and LONG_BINGET', bytesOf(int(1), put(70_000), get(70_000))],
  ['MEMOIZE', bytesOf(int(1), OP.MEMOIZE, get(0))],
  ['STACK_GLOBAL', stackGlobal('torch', 'float16')],
  ['BUILD', bytesOf(tuple(), OP.MARK, OP.TUPLE)],
]

const four = [{ name: expect.any(String), values: [1, -2, 0.5, 8] }]

describe('opcodes that torch writes', () => {
  test.each(ALLOWED)('%s is read', (_, part) => {
    expect(readAll(torchZip(pickle(OP.MARK, part, tensor(), OP.TUPLE)))).toEqual(four)
  })

  test('protocols 2 to 5 are read, others are refused', () => {
    for (const protocol of [2, 3, 4, 5]) {
      expect(readAll(torchZip(bytesOf(0x80, protocol, tensor(), OP.STOP)))).toEqual(four)
    }
    for (const protocol of [0, 1, 6, 255]) {
      const text = `malformed pickle: protocol ${protocol}, expected 2 to 5`
      expectRefused(torchZip(bytesOf(0x80, protocol, tensor(), OP.STOP)), 'malformed-pickle', text)
    }
  })

  test('without PROTO a pickle is refused', () => {
    const text = 'it starts with byte 0x28, expected PROTO (0x80)'
    expectRefused(torchZip(bytesOf(OP.MARK, tensor(), OP.TUPLE, OP.STOP)), 'malformed-pickle', text)
  })
})

const OPCODES_READ = new Set([
  ...[0x80, 0x95, 0x2e, 0x28, 0x4e, 0x88, 0x89, 0x4a, 0x4b, 0x4d, 0x8a, 0x47, 0x58, 0x8c, 0x29, 0x74, 0x85, 0x86, 0x87],
  ...[0x5d, 0x61, 0x65, 0x7d, 0x73, 0x75, 0x71, 0x72, 0x94, 0x68, 0x6a, 0x63, 0x93, 0x52, 0x62, 0x51],
])

/** The names of opcodes that have run code or exhausted memory in other readers. */
const FEARED: Readonly<Record<number, string>> = {
  105: 'INST',
  111: 'OBJ',
  129: 'NEWOBJ',
  146: 'NEWOBJ_EX',
  130: 'EXT1',
  131: 'EXT2',
  132: 'EXT4',
  80: 'PERSID',
  50: 'DUP',
  48: 'POP',
  49: 'POP_MARK',
  73: 'INT',
  76: 'LONG',
  70: 'FLOAT',
  83: 'STRING',
  86: 'UNICODE',
  139: 'LONG4',
  84: 'BINSTRING',
  85: 'SHORT_BINSTRING',
  66: 'BINBYTES',
  67: 'SHORT_BINBYTES',
  142: 'BINBYTES8',
  141: 'BINUNICODE8',
  150: 'BYTEARRAY8',
  151: 'NEXT_BUFFER',
  152: 'READONLY_BUFFER',
  143: 'EMPTY_SET',
  144: 'ADDITEMS',
  145: 'FROZENSET',
}

describe('every other opcode is refused', () => {
  const others = Array.from({ length: 256 }, (_, opcode) => opcode).filter((opcode) => !OPCODES_READ.has(opcode))

  test('there are 221 of them', () => {
    expect(others).toHaveLength(221)
    expect(others).toEqual(expect.arrayContaining(Object.keys(FEARED).map(Number)))
  })

  test.each(
    others.map((opcode) => [opcode.toString(16).padStart(2, '0'), FEARED[opcode] ?? 'no name', opcode] as const),
  )('0x%s (%s)', (hex, _, opcode) => {
    const bytes = torchZip(pickle(tensor(), opcode, utf8('1\n1\n'), u64(0)))
    const error = expectRefused(bytes, 'unsupported-opcode', `pickle opcode 0x${hex} for tensors`)
    expect(bytes[error.offset!]).toBe(opcode)
    expect(error.message).toContain('torch.save(logits, path)')
  })
})

describe('an argument that is cut short', () => {
  test.each<[string, Part, string]>([
    ['FRAME', bytesOf(0x95, 1, 2, 3), 'a value of 8 bytes, 3 left'],
    ['FRAME of more bytes than there are', bytesOf(0x95, u64(100)), 'a frame of 100 bytes, 0 left'],
    ['FRAME of 2^64 - 1 bytes', bytesOf(0x95, u64(2n ** 64n - 1n)), 'a frame of 18446744073709551615 bytes, 0 left'],
    ['BININT', bytesOf(0x4a, 1, 2, 3), 'a value of 4 bytes, 3 left'],
    ['BININT1', 0x4b, 'a value of 1 bytes, 0 left'],
    ['BININT2', bytesOf(0x4d, 1), 'a value of 2 bytes, 1 left'],
    ['LONG1', bytesOf(0x8a, 10, 1), 'a value of 10 bytes, 1 left'],
    ['BINFLOAT', bytesOf(0x47, 1), 'a value of 8 bytes, 1 left'],
    ['BINUNICODE', bytesOf(0x58, u32(9), utf8('short')), 'a value of 9 bytes, 5 left'],
    ['SHORT_BINUNICODE', bytesOf(0x8c, 200), 'a value of 200 bytes, 0 left'],
    ['BINPUT', bytesOf(int(1), 0x71), 'a value of 1 bytes, 0 left'],
    ['LONG_BINGET', bytesOf(0x6a, 1), 'a value of 4 bytes, 1 left'],
    ['GLOBAL without a newline', bytesOf(0x63, utf8('torch')), 'a line of 1025 bytes, 5 left'],
    ['GLOBAL with one newline', bytesOf(0x63, utf8('torch\nSize')), 'a line of 1020 bytes, 4 left'],
    ['no STOP', tensor(), 'a value of 1 bytes, 0 left'],
    ['nothing', bytesOf(), 'a value of 1 bytes, 0 left'],
  ])('%s', (_, part, text) => {
    const error = expectRefused(torchZip(bytesOf(0x80, 2, part)), 'malformed-pickle', `malformed pickle: ${text}`)
    expect(error.offset).toBeGreaterThan(0)
  })

  test('a huge or negative length neither allocates nor seeks back', () => {
    // BINBYTES of length -5 makes another reader seek back five bytes in an endless loop. Lengths here are unsigned.
    expectRefused(
      torchZip(pickle(0x58, u32(0xfffffffb))),
      'limit-exceeded',
      '4294967291 is over the budget pickleString',
    )
    expectRefused(torchZip(pickle(0x42, u32(0xfffffffb))), 'unsupported-opcode', '0x42')
    expectRefused(torchZip(pickle(0x8d, u64(2n ** 63n))), 'unsupported-opcode', '0x8d')
    expectRefused(torchZip(pickle(0x8b, u32(0xffffffff))), 'unsupported-opcode', '0x8b')
  })

  test('LONG1 holds at most 16 bytes', () => {
    expectRefused(torchZip(pickle(long(1n, 17))), 'malformed-pickle', 'a number of 17 bytes, expected at most 16')
  })

  test('bytes after STOP are refused', () => {
    const bytes = torchZip(bytesOf(pickle(tensor()), OP.NONE, OP.STOP))
    expectRefused(bytes, 'malformed-pickle', 'malformed pickle: it continues after its STOP')
  })
})

describe('strings', () => {
  test.each<[string, Part]>([
    ['a lone continuation byte', bytesOf(0x58, u32(1), 0x80)],
    ['an overlong form', bytesOf(0x8c, 2, 0xc0, 0xaf)],
    ['a surrogate', bytesOf(0x8c, 3, 0xed, 0xa0, 0x80)],
    ['in GLOBAL', bytesOf(0x63, 0xff, 10, 10)],
  ])('that are not UTF-8 are refused: %s', (_, part) => {
    expectRefused(torchZip(pickle(part)), 'malformed-pickle', 'malformed pickle: a string that is not UTF-8')
  })

  test('a byte order mark is part of a name', () => {
    const mark = '\ufeff'
    expectRefused(torchZip(pickle(stackGlobal(`${mark}torch`, 'Size'))), 'disallowed-global', `'\\ufefftorch.Size'`)
    const named = pickle(dict(text(`${mark}logits`), tensor()))
    expect(readAll(torchZip(named))[0]!.name).toBe(`${mark}logits`)
  })
})
