import { createCipheriv } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  BLOCK_BYTES,
  ENTRIES,
  fillBlocks,
  GROUP,
  MOST_BLOCKS,
  MOST_VECTORS,
} from '../../../src/metrics/sketches/random-vectors.js'
import { BLOCK, LARGEST, type SketchKernel } from '../../../src/metrics/sketches/sketch-kernel.js'
import { TypescriptSketches } from '../../../src/metrics/sketches/typescript-sketches.js'
import { WasmSketches } from '../../../src/metrics/sketches/wasm-sketches.js'
import { languageRow, random } from '../../snapshots/compact/pairs.js'

const kernels = { wasm: new WasmSketches(), typescript: new TypescriptSketches() }

/** Entries of a random vector, by their definition: bytes of the key stream of AES-128-CTR select quantiles. */
function entriesOf(vector: number, count: number): number[] {
  const counter = Buffer.alloc(16)
  counter[0] = vector
  const bytes = createCipheriv('aes-128-ctr', Buffer.from('golden-logits/v1'), counter).update(Buffer.alloc(count))
  return Array.from(bytes, (byte) => ENTRIES[byte]!)
}

/** Integers as a row of float32 that `quantiseCentered` leaves as they are, at a scale of 1. */
function products(kernel: SketchKernel, integers: readonly number[]): Float64Array {
  kernel.row(integers.length).set(integers)
  kernel.quantiseCentered(Number.NEGATIVE_INFINITY, 0, 1)
  return kernel.sketch(MOST_VECTORS).centered
}

const LENGTHS = [1, 7, 8, 9, 511, 512, 513, 1031]

describe.each(Object.entries(kernels))('%s', (_, kernel) => {
  test.each(LENGTHS)('products of %i integers with the random vectors are exact', (length) => {
    const next = random(length)
    const integers = Array.from({ length }, () => Math.round((2 * next() - 1) * LARGEST))
    const sums = products(kernel, integers)
    for (const j of [0, 1, 64, 127]) {
      const exact = entriesOf(j, length).reduce((sum, entry, i) => sum + entry * integers[i]!, 0)
      expect(sums[j]).toBe(exact)
    }
  })

  test('the largest integers of either sign do not overflow', () => {
    const entries = entriesOf(5, 4 * BLOCK)
    const integers = entries.map((entry) => (entry < 0 ? -1 : 1) * LARGEST)
    expect(products(kernel, integers)[5]).toBe(entries.reduce((sum, x) => sum + Math.abs(x), 0) * LARGEST)
  })

  test('a shorter row after a longer one has only its own products', () => {
    products(
      kernel,
      Array.from({ length: 3000 }, (_, i) => i + 1),
    )
    expect(products(kernel, [3])[0]).toBe(3 * entriesOf(0, 1)[0]!)
  })

  test('sums are over an interval, both ends included', () => {
    kernel.row(11).set([-Infinity, -7, -3, Number.NaN, -2.5, 0, 1, 4, 4.5, 9, 1e30])
    expect(kernel.sumBetween(0, 11, -3, 4.5)).toEqual({ count: 6, sum: 4, squares: 52.5, min: -3, max: 4.5 })
    expect(kernel.sumBetween(6, 9, -100, 100)).toEqual({ count: 3, sum: 9.5, squares: 37.25, min: 1, max: 4.5 })
    const none = { count: 0, sum: 0, squares: 0, min: Infinity, max: -Infinity }
    expect(kernel.sumBetween(0, 11, 100, 200)).toEqual(none)
    expect(kernel.sumBetween(5, 5, -100, 100)).toEqual(none)
  })
})

const HOSTILE = {
  'a row of a model': (next: () => number, count: number) => languageRow(next, count),
  'some at −Inf': (next: () => number, count: number) =>
    languageRow(next, count).map((x) => (next() < 0.3 ? -Infinity : x)),
  'some at the lowest number': (next: () => number, count: number) =>
    languageRow(next, count).map((x) => (next() < 0.3 ? -3.4e38 : x)),
  'spread by 300': (next: () => number, count: number) => languageRow(next, count).map((x) => 300 * x),
  'all equal': (_: () => number, count: number) => new Float32Array(count).fill(1e30),
}

describe.each(Object.entries(HOSTILE))('%s: both kernels agree', (_, make) => {
  test.each(LENGTHS)('with %i logits', (length) => {
    const row = make(random(length), length)
    const max = row.reduce((a, b) => Math.max(a, b))
    if (max === -Infinity) return
    const least = Math.fround(max - 740)
    const [from, to] = [Math.floor(length / 3), length - Math.floor(length / 5)]
    const results = Object.values(kernels).map((kernel) => {
      kernel.row(length).set(row)
      const exponentials = kernel.sumExponentials(max)
      kernel.quantiseCentered(least, max - 10, LARGEST / Math.max(10, max - 10 - least))
      kernel.quantiseRoots(0, from, least, max, LARGEST)
      const weights = kernel.quantiseRoots(from, to, least, max, LARGEST)
      kernel.quantiseRoots(to, length, least, max, LARGEST)
      return { exponentials, ...weights, sums: kernel.sumBetween(from, to, least, max), ...kernel.sketch(64) }
    })
    const [wasm, typescript] = results as [(typeof results)[0], (typeof results)[0]]
    const near = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-11 * Math.abs(b))
    near(wasm.exponentials, typescript.exponentials)
    near(wasm.mass, typescript.mass)
    near(
      wasm.exponentials,
      row.reduce((sum, x) => sum + Math.exp(x - max), 0),
    )
    near(wasm.weighted, typescript.weighted)
    near(wasm.sums.squares, typescript.sums.squares)
    expect(wasm.sums).toMatchObject({
      count: typescript.sums.count,
      min: typescript.sums.min,
      max: typescript.sums.max,
    })
    expect(wasm.centered).toEqual(typescript.centered)
    // A root that lies between two integers may round to either.
    wasm.roots.forEach((x, j) => {
      expect(Math.abs(x - typescript.roots[j]!)).toBeLessThanOrEqual(127 * 3)
    })
  })
})

test('the blocks of the random vectors do not depend on where the first one is', () => {
  const all = new Int8Array(4 * BLOCK_BYTES)
  fillBlocks(all, 0, 2)
  const last = new Int8Array(BLOCK_BYTES)
  fillBlocks(last, 3, 2)
  expect(last).toEqual(all.subarray(3 * BLOCK_BYTES))
  expect([...all.subarray(GROUP * BLOCK, GROUP * BLOCK + 9)]).toEqual(entriesOf(2 * GROUP, BLOCK + 9).slice(BLOCK))
})

test('fewer random vectors are the first ones of more', () => {
  for (const kernel of Object.values(kernels)) {
    const row = Float32Array.from({ length: 700 }, (_, i) => i % 100)
    const sketches = [64, 128, 64].map((size) => {
      kernel.row(row.length).set(row)
      kernel.quantiseCentered(-1, 0, 1)
      return kernel.sketch(size).centered
    })
    expect(sketches[1]).toHaveLength(128)
    expect(sketches[0]).toEqual(sketches[1]!.slice(0, 64))
    expect(sketches[2]).toEqual(sketches[0])
  }
})

test('a row with more columns than are kept has the products of all its columns', () => {
  const [length, kernel] = [MOST_BLOCKS * BLOCK + 1000, new WasmSketches()]
  const row = new Float32Array(length)
  row[0] = 2
  row[length - 1] = 3
  for (const vector of [9, 40]) {
    kernel.row(length).set(row)
    kernel.quantiseCentered(-1, 0, 1)
    const entries = entriesOf(vector, length)
    expect(kernel.sketch(64).centered[vector]).toBe(2 * entries[0]! + 3 * entries[length - 1]!)
    // What was made for it does not serve the next row.
    expect(products(kernel, [1])[vector]).toBe(entries[0])
  }
})

describe('the memory of a kernel', () => {
  /** Bytes of the row as float32 and of two vectors of 16 bits, and 1 MiB for all else. */
  const besides = (columns: number) => 8 * columns + 2 ** 20

  function sizeFor(columns: number, vectors: number): number {
    const kernel = new WasmSketches()
    kernel.row(columns).fill(1)
    kernel.quantiseCentered(0, 0, 1)
    kernel.sketch(vectors)
    return kernel.size
  }

  test('a column takes a byte of each random vector', () => {
    expect(sizeFor(152_064, 96)).toBeLessThan(96 * 152_064 + besides(152_064))
    expect(sizeFor(152_064, 96)).toBeGreaterThan(96 * 152_064)
  })

  test('the random vectors take at most 30 MiB, and 40 MiB for a snapshot of format 1 or 2', () => {
    for (const columns of [327_680, 400_000, 1_000_000]) {
      expect(sizeFor(columns, 96)).toBeLessThan(30 * 2 ** 20 + besides(columns))
      expect(sizeFor(columns, 128)).toBeLessThan(40 * 2 ** 20 + besides(columns))
    }
  })
})
