import { describe, expect, test } from 'vitest'
import { adjacentFrom } from '../../src/formats/storage-tensor.js'
import { memorySource } from '../../src/io/memory-source.js'
import { bin } from './build/bin.js'
import { openTensors } from './build/open.js'
import { int, long, pickle, storage, tensor, tuple } from './build/pickle.js'
import { expectRefusal, FILE } from './build/refusal.js'
import { FOUR, torchRecords, zip } from './build/zip.js'

const four = () => openTensors(memorySource(bin({}, FOUR), FILE)).tensors[0]!

/** The reads for elements of a view of `numel` float32 in a .pth: offsets in the storage, and lengths. */
function readsOf(
  numel: number,
  view: { offset?: number; size: number[]; stride: number[] },
  start: number,
  count: number,
) {
  const data = new Uint8Array(new Float32Array(numel).map((_, i) => i).buffer)
  const pickled = pickle(
    tensor({
      storage: storage({ numel: int(numel) }),
      offset: int(view.offset ?? 0),
      size: tuple(...view.size.map(int)),
      stride: tuple(...view.stride.map(int)),
    }),
  )
  const bytes = zip(torchRecords(pickled, data).map((r) => (r.name.endsWith('/0') ? { ...r, entry: { crc: 0 } } : r)))
  const source = memorySource(bytes, FILE)
  const begin = Buffer.from(bytes).indexOf(data.subarray(0, 16))
  const reads: [offset: number, length: number][] = []
  const [found] = openTensors({
    ...source,
    read(offset, into) {
      // Except the CRC, which is in the directory.
      if (offset < begin + data.length) reads.push([offset - begin, into.length])
      source.read(offset, into)
    },
  }).tensors
  reads.length = 0
  const into = new Uint8Array(4 * count)
  found!.readRaw(start, count, into)
  return { reads, values: [...new Float32Array(into.buffer)] }
}

describe('invalid arguments of readRaw', () => {
  test.each<[unknown, unknown, unknown]>([
    ['0', 1, new Uint8Array(4)],
    [0, 1n, new Uint8Array(4)],
    [0, undefined, new Uint8Array(4)],
    [0, 1, undefined],
    [0, 1, null],
    [0, 1, [0, 0, 0, 0]],
    [0, 1, new Float32Array(4)],
    [Symbol('start'), 1, new Uint8Array(4)],
  ])('readRaw(%o, %o, %o)', (start, count, into) => {
    const read = () => four().readRaw(start as number, count as number, into as Uint8Array)
    expectRefusal(
      read,
      'invalid-argument',
      'readRaw expects the index of the first element, the number of elements, and',
    )
  })
})

test('a tensor that does not fit into memory is refused, even if the budget allows it', () => {
  const size = tuple(long(2n ** 40n))
  const huge = zip(torchRecords(pickle(tensor({ size, stride: tuple(int(0)) }))))
  const [tensor0] = openTensors(memorySource(huge, FILE), { elements: Number.POSITIVE_INFINITY }).tensors
  const message = 'elements of the tensor: 4398046511104 bytes do not fit into memory; lower the budgets, or read'
  expectRefusal(() => tensor0!.toFloat32(), 'limit-exceeded', message)
})

describe('a range', () => {
  test.each<[number, number, number]>([
    [-1, 1, 16],
    [0, 5, 20],
    [4, 1, 16],
    [0, -1, 16],
    [0.5, 1, 16],
    [0, 1.5, 16],
    [Number.NaN, 1, 16],
    [0, Number.POSITIVE_INFINITY, 16],
    [0, 4, 15],
    [3, 1, 3],
  ])('from %d of %d elements into %d bytes is refused', (start, count, room) => {
    const message = `elements ${start} to ${start + count} of 4 into ${room} bytes: outside the tensor or the buffer`
    expectRefusal(() => four().readRaw(start, count, new Uint8Array(room)), 'invalid-argument', message)
  })

  test('without elements reads nothing', () => {
    const { reads } = readsOf(4, { size: [4], stride: [1] }, 4, 0)
    expect(reads).toEqual([])
  })

  test('leaves the bytes after it unchanged', () => {
    const into = new Uint8Array(16).fill(7)
    four().readRaw(1, 2, into)
    expect([...into.subarray(8)]).toEqual([7, 7, 7, 7, 7, 7, 7, 7])
    expect([...new Float32Array(into.buffer, 0, 2)]).toEqual([-2, 0.5])
  })

  test('can be read into shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(32), 8, 16)
    four().readRaw(0, 4, shared)
    expect([...shared]).toEqual([...FOUR])
  })
})

describe('only the necessary bytes are read', () => {
  test('a row of a contiguous tensor: one read of its bytes', () => {
    expect(readsOf(60, { size: [1, 5, 12], stride: [60, 12, 1] }, 48, 12)).toEqual({
      reads: [[192, 48]],
      values: Array.from({ length: 12 }, (_, i) => 48 + i),
    })
  })

  test('several rows of a contiguous tensor: one read', () => {
    expect(readsOf(60, { size: [5, 12], stride: [12, 1] }, 5, 40).reads).toEqual([[20, 160]])
  })

  test('a row of a slice: one read', () => {
    const slice = readsOf(60, { offset: 2, size: [5, 8], stride: [12, 1] }, 32, 8)
    expect(slice).toEqual({ reads: [[200, 32]], values: [50, 51, 52, 53, 54, 55, 56, 57] })
  })

  test('a part across two rows of a slice: one read each', () => {
    const slice = readsOf(60, { offset: 2, size: [5, 8], stride: [12, 1] }, 6, 4)
    expect(slice).toEqual({
      reads: [
        [32, 8],
        [56, 8],
      ],
      values: [8, 9, 14, 15],
    })
  })

  test('every third element: one read from the first to the last', () => {
    expect(readsOf(60, { size: [20], stride: [3] }, 2, 4)).toEqual({ reads: [[24, 40]], values: [6, 9, 12, 15] })
  })

  test('elements far apart: a read for each', () => {
    const far = readsOf(6000, { size: [3], stride: [2000] }, 0, 3)
    expect(far).toEqual({
      reads: [
        [0, 4],
        [8000, 4],
        [16_000, 4],
      ],
      values: [0, 2000, 4000],
    })
  })

  test('an expanded element: one read', () => {
    expect(readsOf(4, { offset: 3, size: [7], stride: [0] }, 1, 5)).toEqual({
      reads: [[12, 4]],
      values: [3, 3, 3, 3, 3],
    })
  })
})

test('a strided row of a million elements is read in chunks of at most 1 MiB', () => {
  const { reads, values } = readsOf(2_000_000, { size: [1_000_000], stride: [2] }, 0, 1_000_000)
  expect(Math.max(...reads.map(([, length]) => length))).toBeLessThanOrEqual(2 ** 20)
  expect(reads.length).toBeLessThan(10)
  expect(values.every((value, i) => value === 2 * i)).toBe(true)
})

test('an element that is repeated 2^28 times is read within seconds', () => {
  const bytes = zip(torchRecords(pickle(tensor({ size: tuple(int(2 ** 28)), stride: tuple(int(0)) }))))
  const [expanded] = openTensors(memorySource(bytes, FILE)).tensors
  const count = 2 ** 24
  const start = performance.now()
  const into = new Uint8Array(4 * count)
  expanded!.readRaw(2 ** 28 - count, count, into)
  expect(new Float32Array(into.buffer).every((value) => value === 1)).toBe(true)
  expect(performance.now() - start).toBeLessThan(5000)
})

test('a source that is shorter than its size is detected', () => {
  const lines = { dims: '1,200', '$Object.Length': '800', '$Object.data': '0,800' }
  const source = memorySource(bin(lines, new Uint8Array(800)).subarray(0, -4), FILE)
  const size = source.size + 4
  const [short] = openTensors({ file: FILE, size, read: (offset, into) => source.read(offset, into) }).tensors
  const error = expectRefusal(() => short!.toFloat32(), 'file-changed', `ended at byte ${source.size}`)
  expect(error.offset).toBe(source.size)
})

test.each<
  [string, shape: number[], strides: number[], offset: number, start: number, count: number, number | undefined]
>([
  ['a row', [1, 8], [8, 1], 0, 0, 8, 0],
  ['the last of several', [3, 8], [8, 1], 0, 16, 8, 16],
  ['a part of one, behind an offset', [3, 8], [8, 1], 5, 10, 3, 15],
  ['two rows one behind the other', [3, 8], [8, 1], 0, 8, 16, 8],
  ['a row of a wider tensor', [3, 8], [20, 1], 2, 16, 8, 42],
  ['two rows of a wider tensor', [3, 8], [20, 1], 2, 8, 16, undefined],
  ['every other element', [1, 8], [16, 2], 0, 0, 8, undefined],
  ['one element again and again', [1, 8], [8, 0], 0, 0, 8, undefined],
  ['a column', [8, 3], [1, 8], 0, 0, 8, undefined],
  ['a single number', [], [], 3, 0, 1, 3],
])('contiguous elements: %s', (_, shape, strides, offset, start, count, from) => {
  const storage = { kind: 'storage', key: '0', dtype: 'float32', numel: 100 } as const
  expect(adjacentFrom({ kind: 'tensor', storage, shape, strides, offset }, start, count)).toBe(from)
})
