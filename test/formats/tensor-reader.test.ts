import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readerFor, TensorReader } from '../../src/formats/tensor-reader.js'
import { memorySource } from '../../src/io/memory-source.js'
import { loadCorpus } from '../fuzz/corpus.js'
import { readingOf, refusalOf } from '../fuzz/examine.js'
import { openTensors } from './build/open.js'
import { pickle, tensor } from './build/pickle.js'
import { expectRefusal, FILE } from './build/refusal.js'
import { FOUR, torchZip, zip } from './build/zip.js'

const reader = new TensorReader()
const open = (bytes: Uint8Array, file = FILE) => reader.open(memorySource(bytes, file)).tensors

/** The outcome of a reader that has seen no other file. */
function fresh(bytes: Uint8Array, file = FILE): unknown {
  return outcomeOf(() => openTensors(memorySource(bytes, file)).tensors)
}

function outcomeOf(tensors: () => ReturnType<typeof open>): unknown {
  try {
    return readingOf(tensors())
  } catch (error) {
    return refusalOf(error)
  }
}

/** The same archive with another name of its root folder. */
function called(name: string, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('archive/', `${name}/`), 'latin1'))
}

const corpus = loadCorpus(join(import.meta.dirname, '../fixtures'))
const named = (part: string) => [...corpus.zip, ...corpus.bin].find(({ name }) => name.includes(part))!
const FILES = [
  named('beside-tensors-protocol2'),
  named('bfloat16-7'),
  named('big-endian-float32'),
  named('aligned-256'),
  corpus.bin[0]!,
  corpus.bin.at(-1)!,
]

describe('a file with the same layout as an earlier file', () => {
  test('is not parsed again; its own elements and CRC count', () => {
    const [first] = open(torchZip(pickle(tensor())))
    const other = new Uint8Array(new Float32Array([5, 6, 7, 8]).buffer)
    const [second] = open(torchZip(pickle(tensor()), other))
    expect(second!.shape).toBe(first!.shape)
    expect([...first!.toFloat32()]).toEqual([1, -2, 0.5, 8])
    expect([...second!.toFloat32()]).toEqual([5, 6, 7, 8])
    const damaged = torchZip(pickle(tensor()), other)
    damaged[Buffer.from(damaged).indexOf(other)]! ^= 1
    const [third] = open(damaged)
    expect(third!.shape).toBe(first!.shape)
    expectRefusal(() => third!.toFloat32(), 'crc-mismatch', "record 'archive/data/0' has CRC-32")
    expectRefusal(() => third!.readRaw(0, 1, new Uint8Array(4)), 'crc-mismatch', "record 'archive/data/0' has CRC-32")
  })

  test.each(FILES.map((file) => [file.name, file.bytes] as const))(
    '%s, with any byte changed, has the same outcome as with a new reader',
    (_, bytes) => {
      const original = fresh(bytes)
      for (let at = 0; at < bytes.length; at++) {
        expect(outcomeOf(() => open(bytes))).toEqual(original)
        const changed = bytes.slice()
        changed[at]! ^= 1 << (at % 8)
        const outcome = outcomeOf(() => open(changed))
        if (JSON.stringify(outcome) !== JSON.stringify(fresh(changed))) {
          expect({ at, outcome }).toEqual({ at, outcome: fresh(changed) })
        }
      }
    },
  )

  test.each([named('bfloat16-7'), named('aligned-256')].map((file) => [file.name, file.bytes] as const))(
    '%s named after its root folder, with any byte changed, as well',
    (_, bytes) => {
      const other = called('logit_1', bytes)
      const [first] = open(bytes, 'dumps/archive.pth')
      const [second] = open(bytes, 'others/archive.pth')
      expect(second!.shape).toBe(first!.shape)
      for (let at = 0; at < bytes.length; at++) {
        open(bytes, 'dumps/archive.pth')
        const changed = other.slice()
        changed[at]! ^= 1 << (at % 8)
        const outcome = outcomeOf(() => open(changed, 'dumps/logit_1.pth'))
        const expected = fresh(changed, 'dumps/logit_1.pth')
        if (JSON.stringify(outcome) !== JSON.stringify(expected))
          expect({ at, outcome }).toEqual({ at, outcome: expected })
      }
    },
  )

  test('of several layouts in turn', () => {
    for (let turn = 0; turn < 3; turn++) {
      for (const { bytes, reading } of [...corpus.zip, ...corpus.bin]) expect(readingOf(open(bytes))).toEqual(reading)
    }
  })

  test('is parsed again if the layout is too large to remember', () => {
    const records = Array.from({ length: 1200 }, (_, i) => ({ name: `archive/extra/${i}`, content: new Uint8Array(1) }))
    const bytes = zip([
      { name: 'archive/data.pkl', content: pickle(tensor()) },
      { name: 'archive/data/0', content: FOUR },
      ...records,
    ])
    const [first] = open(bytes)
    const [second] = open(bytes)
    expect(second!.shape).not.toBe(first!.shape)
    expect([...second!.toFloat32()]).toEqual([1, -2, 0.5, 8])
  })
})

test('readers with default budgets are shared by all who use the same checksum', () => {
  const checksum = { crc32: () => 0 }
  expect(readerFor()).toBe(readerFor({}))
  expect(readerFor({}, checksum)).toBe(readerFor(undefined, checksum))
  expect(readerFor({}, checksum)).not.toBe(readerFor())
  expect(readerFor({ rank: 3 })).not.toBe(readerFor({ rank: 3 }))
})
