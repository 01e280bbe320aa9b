import { describe, expect, test } from 'vitest'
import { memorySource } from '../../src/io/memory-source.js'
import { RecordedSource } from '../../src/io/recorded-source.js'
import { holdsRuns } from '../../src/io/runs.js'
import { utf8 } from '../formats/build/pickle.js'

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i * 7)

function recorded(...reads: readonly (readonly [offset: number, length: number])[]): RecordedSource {
  const source = new RecordedSource(memorySource(bytes, 'file'))
  for (const [offset, length] of reads) source.read(offset, new Uint8Array(length))
  return source
}

const spans = (source: RecordedSource) => source.runs()?.map((run) => [run.offset, run.bytes.length])

test('what was read is remembered, whatever becomes of it', () => {
  const source = new RecordedSource(memorySource(bytes, 'file'))
  const into = new Uint8Array(3)
  source.read(10, into)
  expect([...into]).toEqual([70, 77, 84])
  into.fill(0)
  expect(source.runs()).toEqual([{ offset: 10, bytes: Uint8Array.of(70, 77, 84) }])
  expect([source.file, source.size]).toEqual(['file', 5000])
})

describe('bytes that are disregarded', () => {
  test.each<[string, offset: number, length: number, left: number[][]]>([
    [
      'within a run',
      12,
      3,
      [
        [10, 2],
        [15, 5],
        [300, 4],
      ],
    ],
    [
      'from its first on',
      10,
      3,
      [
        [13, 7],
        [300, 4],
      ],
    ],
    [
      'up to its last',
      16,
      4,
      [
        [10, 6],
        [300, 4],
      ],
    ],
    ['of a whole run', 10, 10, [[300, 4]]],
    [
      'of two runs',
      18,
      284,
      [
        [10, 8],
        [302, 2],
      ],
    ],
    [
      'between them',
      20,
      280,
      [
        [10, 10],
        [300, 4],
      ],
    ],
    [
      'before and behind',
      0,
      10,
      [
        [10, 10],
        [300, 4],
      ],
    ],
  ])('%s', (_, offset, length, left) => {
    const source = recorded([10, 10], [300, 4])
    source.disregard(offset, length)
    expect(spans(source)).toEqual(left)
    for (const run of source.runs()!) {
      expect([...run.bytes]).toEqual([...bytes.subarray(run.offset, run.offset + run.bytes.length)])
    }
  })

  test('count if they are read again', () => {
    const source = recorded([10, 10])
    source.disregard(10, 10)
    source.read(12, new Uint8Array(2))
    expect(spans(source)).toEqual([[12, 2]])
  })
})

describe('small gaps between what was read', () => {
  test('are filled, up to 128 bytes', () => {
    const source = recorded([10, 10], [148, 4], [281, 2])
    expect(spans(source)).toEqual([
      [10, 142],
      [281, 2],
    ])
    for (const { offset, bytes: found } of source.runs()!) {
      expect([...found]).toEqual([...bytes.subarray(offset, offset + found.length)])
    }
  })

  test.each([
    [30, 1, false],
    [19, 2, false],
    [20, 1, false],
    [39, 3, false],
    [0, 10, true],
    [44, 10, true],
  ])('but where bytes are disregarded: from %i on, %i', (offset, length, filled) => {
    const source = recorded([10, 10], [40, 4])
    source.disregard(offset, length)
    expect(spans(source)!.length === 1).toBe(filled)
  })
})

test('its own name is found apart from what lies around it', () => {
  const text = utf8('..name/x....name/y..other..')
  const named = (file: string, name = 'name') => {
    const source = new RecordedSource(memorySource(text, file))
    source.read(0, new Uint8Array(text.length))
    source.named(name, [2, 12])
    return source
  }
  const around = [
    { offset: 0, bytes: text.subarray(0, 2) },
    { offset: 6, bytes: text.subarray(6, 12) },
    { offset: 16, bytes: text.subarray(16) },
  ]
  for (const file of ['name', 'name.pth', '/a/name.b', 'C:\\a.b\\name.pth']) {
    const source = named(file)
    expect(source.own(source.runs()!)).toEqual({ name: 'name', places: [2, 12], around })
    expect(source.runs()).toEqual([{ offset: 0, bytes: text }])
  }
  for (const file of ['other.pth', 'name/a', 'name.x.pth', '.name', 'Name']) expect(named(file).own([])).toBeUndefined()
  expect(named('../é.pth', 'é').own([])).toBeUndefined()
})

test('64 KiB are remembered, of more nothing', () => {
  const big = new RecordedSource(memorySource(new Uint8Array(70_000), 'file'))
  big.read(0, new Uint8Array(65_536))
  expect(spans(big)).toEqual([[0, 65_536]])
  big.read(0, new Uint8Array(1))
  expect(big.runs()).toBeUndefined()
})

test('another source holds them where each byte is equal', () => {
  const source = recorded([0, 4000], [4990, 10])
  const runs = source.runs()!
  expect(holdsRuns(memorySource(bytes, 'file'), runs)).toBe(true)
  for (const [at, holds] of [
    [0, false],
    [3999, false],
    [4000, true],
    [4989, true],
    [4990, false],
    [4999, false],
  ] as const) {
    const other = bytes.slice()
    other[at]! ^= 1
    expect(holdsRuns(memorySource(other, 'file'), runs)).toBe(holds)
  }
})
