import { describe, expect, test } from 'vitest'
import type { ByteSource } from '../../src/io/byte-source.js'
import { memorySource } from '../../src/io/memory-source.js'
import { npy } from './build/arrays.js'
import { openTensors } from './build/open.js'

/** A `.npy` in Fortran order whose element [row, column] is a whole number of both, and how many bytes were read of it. */
function fortran(rows: number, width: number, type: 'float32' | 'int16') {
  const values = type === 'float32' ? new Float32Array(rows * width) : new Int16Array(rows * width)
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < rows; row++) values[column * rows + row] = valueAt(row, column)
  }
  const descr = type === 'float32' ? "'<f4'" : "'<i2'"
  const shape = `(${rows}, ${width})`
  const bytes = npy(new Uint8Array(values.buffer), { descr, fortran_order: 'True', shape })
  const memory = memorySource(bytes, 'f.npy')
  const read = { bytes: 0, calls: 0 }
  const source: ByteSource = {
    file: memory.file,
    size: memory.size,
    read(offset, into) {
      read.bytes += into.length
      read.calls++
      memory.read(offset, into)
    },
  }
  const tensor = openTensors(source).tensors[0]!
  Object.assign(read, { bytes: 0, calls: 0 })
  const item = values.BYTES_PER_ELEMENT
  const row = (index: number, first = 0, count = width) => {
    const raw = new Uint8Array(count * item)
    tensor.readRaw(index * width + first, count, raw)
    return type === 'float32' ? new Float32Array(raw.buffer) : new Int16Array(raw.buffer)
  }
  return { tensor, row, read, size: rows * width * item }
}

const valueAt = (row: number, column: number) => ((row * 31 + column * 7) % 20_011) - 10_000
const expected = (row: number, width: number) => Array.from({ length: width }, (_, column) => valueAt(row, column))

describe.each(['float32', 'int16'] as const)('rows of %s in Fortran order', (type) => {
  test('one after the other cost one pass over the file', () => {
    const { row, read, size } = fortran(300, 70_000, type)
    for (let index = 0; index < 300; index++) {
      const values = row(index)
      for (const column of [0, 1, 15, 16, 35_000, 69_999]) expect(values[column]).toBe(valueAt(index, column))
    }
    // The first of two blocks has most rows, so it is read with the others.
    expect(read.bytes).toBeLessThan(1.25 * size)
  })

  test('are what NumPy has there, in any order', () => {
    const { row, read } = fortran(50, 33, type)
    for (const index of [0, 1, 2, 7, 7, 3, 49, 48, 0, 30]) expect([...row(index)]).toEqual(expected(index, 33))
    expect([...row(5, 3, 4)]).toEqual(expected(5, 33).slice(3, 7))
    expect(read.bytes).toBeGreaterThan(0)
  })

  test('are decoded all at once in one pass', () => {
    const { tensor, read, size } = fortran(64, 5000, type)
    const values = tensor.toFloat32()
    expect([...values.subarray(0, 5000)]).toEqual(expected(0, 5000))
    expect([...values.subarray(63 * 5000)]).toEqual(expected(63, 5000))
    expect(read.bytes).toBeLessThan(1.1 * size)
  })
})

test('one row alone reads no block', () => {
  // Its elements lie 8,000 bytes apart.
  const { row, read } = fortran(2000, 600, 'float32')
  expect([...row(1999)]).toEqual(expected(1999, 600))
  expect(read).toEqual({ bytes: 600 * 4, calls: 600 })
})

test('some elements of several rows are read without blocks', () => {
  const { tensor } = fortran(6, 5, 'float32')
  const raw = new Float32Array(13)
  tensor.readRaw(4, 13, new Uint8Array(raw.buffer))
  expect([...raw]).toEqual([0, 1, 2, 3].flatMap((row) => expected(row, 5)).slice(4, 17))
})
