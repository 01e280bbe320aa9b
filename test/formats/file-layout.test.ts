import { describe, expect, test } from 'vitest'
import { hasExactLayout, hasLayout, LayoutRecorder } from '../../src/formats/file-layout.js'
import { memorySource } from '../../src/io/memory-source.js'
import { bin } from './build/bin.js'
import { openTensors } from './build/open.js'
import { bytesOf, int, pickle, tensor, tuple, utf8 } from './build/pickle.js'
import { torchZip } from './build/zip.js'

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i * 7)

function recorded(...reads: readonly (readonly [offset: number, length: number])[]): LayoutRecorder {
  const source = new LayoutRecorder(memorySource(bytes, 'file'))
  for (const [offset, length] of reads) source.read(offset, new Uint8Array(length))
  return source
}

const spans = (source: LayoutRecorder) => source.layout()?.fragments.map(({ offset, bytes }) => [offset, bytes.length])

test('the layout has a copy of the bytes that were read', () => {
  const source = new LayoutRecorder(memorySource(bytes, 'file'))
  const into = new Uint8Array(3)
  source.read(10, into)
  expect([...into]).toEqual([70, 77, 84])
  into.fill(0)
  expect(source.layout()!.fragments).toEqual([{ offset: 10, bytes: Uint8Array.of(70, 77, 84) }])
  expect([source.file, source.size]).toEqual(['file', 5000])
})

describe('disregarded bytes are removed', () => {
  test.each<[string, offset: number, length: number, left: number[][]]>([
    [
      'inside a fragment',
      12,
      3,
      [
        [10, 2],
        [15, 5],
        [300, 4],
      ],
    ],
    [
      'at its beginning',
      10,
      3,
      [
        [13, 7],
        [300, 4],
      ],
    ],
    [
      'at its end',
      16,
      4,
      [
        [10, 6],
        [300, 4],
      ],
    ],
    ['a complete fragment', 10, 10, [[300, 4]]],
    [
      'parts of two fragments',
      18,
      284,
      [
        [10, 8],
        [302, 2],
      ],
    ],
    [
      'between fragments',
      20,
      280,
      [
        [10, 10],
        [300, 4],
      ],
    ],
    [
      'before the first fragment',
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
    for (const run of source.layout()!.fragments) {
      expect([...run.bytes]).toEqual([...bytes.subarray(run.offset, run.offset + run.bytes.length)])
    }
  })

  test('unless they are read again', () => {
    const source = recorded([10, 10])
    source.disregard(10, 10)
    source.read(12, new Uint8Array(2))
    expect(spans(source)).toEqual([[12, 2]])
  })
})

describe('small gaps between fragments', () => {
  test('are filled, up to 128 bytes', () => {
    const source = recorded([10, 10], [148, 4], [281, 2])
    expect(spans(source)).toEqual([
      [10, 142],
      [281, 2],
    ])
    for (const { offset, bytes: found } of source.layout()!.fragments) {
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
  ])('unless bytes in the gap are disregarded: %i, length %i', (offset, length, filled) => {
    const source = recorded([10, 10], [40, 4])
    source.disregard(offset, length)
    expect(spans(source)!.length === 1).toBe(filled)
  })
})

test('the own name of a file is separated from the bytes around it', () => {
  const text = utf8('..name/x....name/y..other..')
  const recordedName = (file: string, name = 'name') => {
    const source = new LayoutRecorder(memorySource(text, file))
    source.read(0, new Uint8Array(text.length))
    source.reportName(name, [2, 12])
    return source
  }
  const around = [
    { offset: 0, bytes: text.subarray(0, 2) },
    { offset: 6, bytes: text.subarray(6, 12) },
    { offset: 16, bytes: text.subarray(16) },
  ]
  for (const file of ['name', 'name.pth', '/a/name.b', 'C:\\a.b\\name.pth']) {
    const source = recordedName(file)
    expect(source.layout()!.ownName).toEqual({ name: 'name', offsets: [2, 12], around })
    expect(source.layout()!.fragments).toEqual([{ offset: 0, bytes: text }])
  }
  for (const file of ['other.pth', 'name/a', 'name.x.pth', '.name', 'Name']) {
    expect(recordedName(file).layout()!.ownName).toBeUndefined()
  }
  expect(recordedName('../é.pth', 'é').layout()!.ownName).toBeUndefined()
})

test('a layout has at most 64 KiB', () => {
  const big = new LayoutRecorder(memorySource(new Uint8Array(70_000), 'file'))
  big.read(0, new Uint8Array(65_536))
  expect(spans(big)).toEqual([[0, 65_536]])
  big.read(0, new Uint8Array(1))
  expect(big.layout()).toBeUndefined()
})

test('another source has the layout if all its bytes are equal', () => {
  const source = recorded([0, 4000], [4990, 10])
  const layout = source.layout()!
  expect(hasExactLayout(memorySource(bytes, 'file'), layout)).toBe(true)
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
    expect(hasExactLayout(memorySource(other, 'file'), layout)).toBe(holds)
  }
})

const layoutOf = (bytes: Uint8Array, file: string) => openTensors(memorySource(bytes, file)).layout!
const values = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer)

describe('a file of torch.save', () => {
  const square = tensor({ size: tuple(int(2), int(2)), stride: tuple(int(2), int(1)) })
  const [bytes, other] = [values(1, 2, 3, 4), values(5, 6, 7, 8)].map((data) => torchZip(pickle(square), data)) as [
    Uint8Array,
    Uint8Array,
  ]
  /** The same archive with another name of its root folder. */
  const called = (name: string, of = other) =>
    new Uint8Array(Buffer.from(Buffer.from(of).toString('latin1').replaceAll('archive/', `${name}/`), 'latin1'))

  test('has the layout of a file with other elements and another CRC', () => {
    const make = (...data: number[]) => torchZip(pickle(tensor()), values(...data))
    const layout = layoutOf(make(1, 2, 3, 4), 'a.pth')
    const next = make(5, 6, 7, 8)
    expect(layout.ownName).toBeUndefined()
    for (const has of [hasExactLayout, hasLayout]) {
      expect(has(memorySource(next, 'b.pth'), layout)).toBe(true)
      expect(has(memorySource(called('logit_1', next), 'logit_1.pth'), layout)).toBe(false)
      expect(has(memorySource(bytesOf(next, utf8('x')), 'b.pth'), layout)).toBe(false)
    }
  })

  test('named after its root folder has the layout of others named after theirs, but not byte for byte', () => {
    const layout = layoutOf(bytes, 'dumps/archive.pth')
    expect(layout.ownName).toMatchObject({ name: 'archive' })
    const [renamed, file] = [called('logit_1'), 'dumps/logit_1.pth']
    expect([
      hasExactLayout(memorySource(renamed, file), layout),
      hasLayout(memorySource(renamed, file), layout),
    ]).toEqual([false, true])
    // The content decides, not the file name.
    expect([hasExactLayout(memorySource(other, file), layout), hasLayout(memorySource(other, file), layout)]).toEqual([
      true,
      true,
    ])
    expect(hasLayout(memorySource(renamed, 'logit_2.pth'), layout)).toBe(false)
    expect(hasLayout(memorySource(renamed, 'logit_10.pth'), layout)).toBe(false)
    expect(hasLayout(memorySource(renamed, 'l\u00f6git_1.pth'), layout)).toBe(false)
    const last = renamed.slice()
    last[Buffer.from(last).lastIndexOf('logit_1')]! ^= 1
    expect(hasLayout(memorySource(last, file), layout)).toBe(false)
  })
})

test('a .bin file has the layout of another with the same header, unless it is a tar archive', () => {
  const make = (seed: number) =>
    bin({ dims: '1,64', '$Object.Length': '256', '$Object.data': '0,256' }, values(...new Array(64).fill(seed)))
  const layout = layoutOf(make(1), 'a.bin')
  const tar = make(3)
  tar.set(utf8('ustar'), 257)
  for (const has of [hasExactLayout, hasLayout]) {
    expect([make(2), tar].map((bytes) => has(memorySource(bytes, 'b.bin'), layout))).toEqual([true, false])
  }
})
