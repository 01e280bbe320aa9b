import { describe, expect, test } from 'vitest'
import type { Fused } from '../../../src/measure/layers/fused.js'
import { type Grid, readRanks } from '../../../src/measure/layers/read-ranks.js'
import type { Candidate } from '../../../src/measure/layers/readings.js'
import { memoryTensor } from '../../../src/tensor/memory-tensor.js'
import { vector } from '../../build/layers.js'

const ROWS = 6

/** Rows of numbers. */
type Matrix = readonly (readonly number[])[]

function tensor(matrix: Matrix, shape: readonly number[] = [1, matrix.length, matrix[0]!.length]) {
  return memoryTensor(new Uint8Array(Float32Array.from(matrix.flat()).buffer), 'float32', shape)
}

function matrix(seed: number, width: number, rows = ROWS): Matrix {
  return Array.from({ length: rows }, (_, row) => vector(seed * 31 + row, width))
}

/** The columns of a matrix at these indices. */
function columns(matrix: Matrix, from: number, count: number): Matrix {
  return matrix.map((row) => row.slice(from, from + count))
}

function beside(...parts: readonly Matrix[]): Matrix {
  return parts[0]!.map((_, row) => parts.flatMap((part) => part[row]!))
}

function map(matrix: Matrix, change: (value: number, index: number) => number): Matrix {
  return matrix.map((row, r) => row.map((value, c) => change(value, r * row.length + c)))
}

/** One module on these ranks. */
function ranks(...all: readonly Matrix[]): Grid {
  return [all.map((rank) => tensor(rank))]
}

function parts(...all: readonly Matrix[]): Grid {
  return all.map((part) => [tensor(part)])
}

function read(golden: Grid, dump: Grid, fused?: Fused, key?: string) {
  return readRanks(golden, dump, fused, key)
}

/** The largest difference of both sides after they were made one tensor each, and what was done. */
function outcome(golden: Grid, dump: Grid, fused?: Fused, key?: string) {
  const result = read(golden, dump, fused, key)
  if ('reason' in result) return result
  const { golden: g, dump: d } = result as Candidate
  expect(d.tensor.shape).toEqual(g.tensor.shape)
  const [a, b] = [g.tensor.toFloat32(), d.tensor.toFloat32()]
  const error = Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))
  return { error, golden: g.text, dump: d.text }
}

const whole = matrix(1, 24)
const EQUAL = 'equal on all ranks'
const JOINED = 'joined by columns'
const SUM = 'added up as partial sums'

describe('ranks against one rank', () => {
  test('equal ranks are copies', () => {
    expect(outcome(ranks(whole), ranks(whole, whole))).toEqual({ error: 0, golden: '', dump: EQUAL })
    expect(outcome(ranks(whole, whole, whole), ranks(whole))).toEqual({ error: 0, golden: EQUAL, dump: '' })
  })

  test('ranges of columns are joined in the order of the ranks', () => {
    const split = [columns(whole, 0, 8), columns(whole, 8, 8), columns(whole, 16, 8)]
    expect(outcome(ranks(whole), ranks(...split))).toEqual({ error: 0, golden: '', dump: JOINED })
    const uneven = ranks(columns(whole, 0, 16), columns(whole, 16, 8))
    expect(outcome(uneven, ranks(whole))).toEqual({ error: 0, golden: JOINED, dump: '' })
    // Every rank loaded the first shard: that is a fault to see, and no copy of the golden.
    const first = [split[0]!, split[0]!, split[0]!]
    expect(outcome(ranks(whole), ranks(...first))).toMatchObject({ dump: JOINED })
  })

  test('partial sums are added up, with or without a fault in them', () => {
    const others = [matrix(2, 24), matrix(3, 24)]
    const rest = map(whole, (value, i) => value - others[0]!.flat()[i]! - others[1]!.flat()[i]!)
    const sum = outcome(ranks(whole), ranks(rest, ...others))
    expect(sum).toMatchObject({ golden: '', dump: SUM })
    expect((sum as { error: number }).error).toBeLessThan(1e-6)
    expect(outcome(ranks(matrix(9, 24)), ranks(rest, ...others))).toMatchObject({ dump: SUM })
  })

  test('a vocabulary-parallel embedding, where every rank but one has zeros, is added up', () => {
    const on = (rank: number) => whole.map((row, r) => row.map((value) => (r % 2 === rank ? value : 0)))
    expect(outcome(ranks(whole), ranks(on(0), on(1)))).toEqual({ error: 0, golden: '', dump: SUM })
  })

  test('heads that neighbouring ranks share count once', () => {
    const heads = [columns(whole, 0, 12), columns(whole, 12, 12)]
    const shared = ranks(heads[0]!, heads[0]!, heads[1]!, heads[1]!)
    const text = 'joined by columns without the copies that 2 neighbouring ranks share'
    expect(outcome(ranks(whole), shared)).toEqual({ error: 0, golden: '', dump: text })
    const apart = ranks(heads[0]!, heads[1]!, heads[0]!, heads[1]!)
    expect(read(ranks(whole), apart)).toEqual({
      reason: 'other shapes: golden [1, 6, 24]; dump [1, 6, 12] + [1, 6, 12] + [1, 6, 12] + [1, 6, 12]',
    })
  })

  test('copies that round differently: the furthest from the other side is compared', () => {
    const near = map(whole, (value, i) => value * (1 + (i % 2 === 0 ? 0.002 : 0)))
    const far = map(whole, (value, i) => value * (1 + (i % 2 === 0 ? 0.004 : 0)))
    const text = 'copies that differ, of which the furthest from the other side is compared'
    const worst = outcome(ranks(whole), ranks(whole, near, far)) as { error: number }
    expect(worst).toMatchObject({ dump: text })
    expect(worst.error).toBeCloseTo(0.004 * Math.max(...whole.flat().map((v, i) => (i % 2 === 0 ? Math.abs(v) : 0))), 5)
  })

  test('one broken copy beside a good one is compared, and not added up', () => {
    const broken = outcome(ranks(whole), ranks(whole, matrix(5, 24))) as { error: number }
    expect(broken).toMatchObject({ dump: 'copies that differ, of which the furthest from the other side is compared' })
    expect(broken.error).toBeGreaterThan(0.5)
  })

  test('partial sums that look like copies are known by their size', () => {
    const half = map(whole, (value, i) => value * (0.5 + (i % 2 === 0 ? 0.01 : -0.01)))
    const other = map(whole, (value, i) => value - half.flat()[i]!)
    expect(outcome(ranks(whole), ranks(half, other))).toMatchObject({ dump: SUM })
  })

  test('what neither shapes nor values decide is not compared', () => {
    const half = map(whole, (value) => value / 2)
    expect(read(ranks(whole), ranks(half, half))).toEqual({
      reason:
        'its 2 ranks are equal, and 2 times smaller than the other side: partial sums that happen to be equal, or a wrong scale',
      undecided: true,
    })
    const odd = map(whole, (value, i) => value * (3 + (i % 2) / 10))
    const even = map(whole, (value) => value * 3)
    const open = read(ranks(whole), ranks(odd, even))
    expect(open).toMatchObject({ undecided: true })
    expect(open).toMatchObject({ reason: expect.stringContaining('may be partial sums or copies') })
    expect(outcome(ranks(whole), ranks(odd, even), undefined, 'single / added')).toMatchObject({ dump: SUM })
    expect(outcome(ranks(whole), ranks(odd, even), undefined, 'single / copies')).toMatchObject({
      dump: 'copies that differ, of which the furthest from the other side is compared',
    })
  })

  test('ranks of other dtypes or positions are not put together', () => {
    const half = memoryTensor(new Uint8Array(ROWS * 24 * 2), 'bfloat16', [1, ROWS, 24])
    expect(read(ranks(whole), [[tensor(whole), half]])).toEqual({
      reason: 'the dump holds it in float32 and bfloat16, which are not put together',
    })
    expect(read(ranks(whole, matrix(1, 24, 4)), ranks(whole))).toEqual({
      reason: 'the golden holds 6 positions of it on one rank and 4 on another',
    })
  })
})

describe('ranks against ranks', () => {
  const shards = (count: number) =>
    Array.from({ length: count }, (_, rank) => columns(whole, (rank * 24) / count, 24 / count))

  test('of equal sharding are compared one by one, also partial sums', () => {
    expect(outcome(ranks(...shards(2)), ranks(...shards(2)))).toEqual({ error: 0, golden: JOINED, dump: JOINED })
    const sums = ranks(matrix(2, 24), matrix(3, 24))
    expect(outcome(sums, sums)).toEqual({ error: 0, golden: JOINED, dump: JOINED })
    expect(outcome(ranks(whole, whole), ranks(whole, whole))).toEqual({ error: 0, golden: EQUAL, dump: EQUAL })
  })

  test('of another number are joined, or added up, on both sides', () => {
    expect(outcome(ranks(...shards(2)), ranks(...shards(4)))).toEqual({ error: 0, golden: JOINED, dump: JOINED })
    const [a, b, c] = [matrix(2, 24), matrix(3, 24), matrix(4, 24)]
    const ab = map(a, (value, i) => value + b.flat()[i]!)
    const sums = outcome(ranks(ab, c), ranks(a, b, c))
    expect(sums).toMatchObject({ golden: SUM, dump: SUM })
    expect((sums as { error: number }).error).toBeLessThan(1e-6)
    const near = map(a, (value) => value * 1.01)
    expect(read(ranks(a, near), ranks(a, b, c))).toMatchObject({ undecided: true })
  })

  test('copies on one side and partial sums on the other', () => {
    const part = matrix(2, 24)
    const rest = map(whole, (value, i) => value - part.flat()[i]!)
    expect(
      outcome(
        ranks(whole, whole),
        ranks(
          part,
          rest,
          map(part, () => 0),
        ),
      ),
    ).toMatchObject({ golden: EQUAL, dump: SUM })
  })
})

describe('fused projections', () => {
  const [q, k, v] = [matrix(11, 16), matrix(12, 8), matrix(13, 8)]
  const [gate, up] = [matrix(14, 12), matrix(15, 12)]
  const shard = (part: Matrix, rank: number, count: number) => {
    const width = part[0]!.length / count
    return columns(part, rank * width, width)
  }
  const onRank = (rank: number, count: number, shared = 1) =>
    beside(shard(q, rank, count), ...[k, v].map((part) => shard(part, Math.floor(rank / shared), count / shared)))

  test('against their parts', () => {
    expect(outcome(parts(q, k, v), ranks(beside(q, k, v)), 'qkv')).toEqual({
      error: 0,
      golden: '3 parts joined by columns',
      dump: '',
    })
    expect(outcome(ranks(beside(gate, up)), parts(gate, up), 'gate-up')).toMatchObject({ error: 0 })
    expect(read(parts(q, k, v), ranks(whole), 'qkv')).toEqual({
      reason: 'the parts have 16 + 8 + 8 columns, the fused module 24',
    })
  })

  test('interleaved head by head', () => {
    const heads = beside(onRank(0, 4), onRank(1, 4), onRank(2, 4), onRank(3, 4))
    expect(outcome(parts(q, k, v), ranks(heads), 'qkv')).toEqual({
      error: 0,
      golden: '3 parts joined by columns',
      dump: 'taken apart in 4 groups of columns',
    })
    const onTwo = ranks(beside(onRank(0, 4), onRank(1, 4)), beside(onRank(2, 4), onRank(3, 4)))
    expect(outcome(parts(q, k, v), onTwo, 'qkv')).toMatchObject({
      error: 0,
      dump: 'taken apart in 4 groups of columns',
    })
  })

  test('of which every rank holds its share of each part', () => {
    const text = 'taken apart on each rank, and joined by columns'
    const two = ranks(onRank(0, 2), onRank(1, 2))
    expect(outcome(parts(q, k, v), two, 'qkv')).toMatchObject({ error: 0, dump: text })
    expect(outcome(ranks(beside(q, k, v)), two, 'qkv')).toEqual({ error: 0, golden: '', dump: text })
    const four = ranks(onRank(0, 4), onRank(1, 4), onRank(2, 4), onRank(3, 4))
    expect(outcome(two, four, 'qkv')).toEqual({ error: 0, golden: text, dump: text })
    const halves = ranks(beside(shard(gate, 0, 2), shard(up, 0, 2)), beside(shard(gate, 1, 2), shard(up, 1, 2)))
    expect(outcome(ranks(beside(gate, up)), halves, 'gate-up')).toEqual({ error: 0, golden: '', dump: text })
    expect(outcome(ranks(beside(gate, up)), halves, 'any')).toEqual({ error: 0, golden: '', dump: text })
  })

  test('with heads of keys and values that neighbouring ranks share', () => {
    const shared = ranks(...[0, 1, 2, 3].map((rank) => onRank(rank, 4, 2)))
    const text = 'taken apart on each rank, and joined by columns without the heads that 2 neighbouring ranks share'
    expect(outcome(parts(q, k, v), shared, 'qkv')).toMatchObject({ error: 0, dump: text })
    expect(outcome(ranks(beside(q, k, v)), shared, 'qkv')).toEqual({ error: 0, golden: '', dump: text })
    const two = ranks(onRank(0, 2), onRank(1, 2))
    expect(outcome(two, shared, 'qkv')).toMatchObject({ error: 0, dump: text })
  })

  test('are arranged right although a fault changed most of the numbers', () => {
    const wrong = ranks(
      beside(
        map(q, (value, i) => value * 0.4 + vector(i, 1)[0]! / 2),
        k,
        map(v, (x) => 3 * x),
      ),
    )
    expect(outcome(parts(q, k, v), wrong, 'qkv')).toMatchObject({ dump: '' })
  })

  test('that agree with the other side in no arrangement are not compared, unless others of their kind decide', () => {
    const other = ranks(matrix(77, 32))
    expect(read(parts(q, k, v), other, 'qkv')).toEqual({
      reason: '4 arrangements of its columns have the right shape, and none agrees clearly with the other side',
      undecided: true,
    })
    expect(outcome(parts(q, k, v), other, 'qkv', 'parts / groups 2')).toMatchObject({
      dump: 'taken apart in 2 groups of columns',
    })
  })

  test('parts on several ranks are joined first, each shared head once', () => {
    const grid = [q, k, v].map((part, i) =>
      [0, 1, 2, 3].map((rank) => tensor(i === 0 ? shard(part, rank, 4) : shard(part, rank >> 1, 2))),
    )
    expect(outcome(ranks(beside(q, k, v)), grid, 'qkv')).toMatchObject({ error: 0 })
    const joinedParts = '3 parts joined by columns'
    expect(outcome(parts(q, k, v), grid)).toEqual({ error: 0, golden: joinedParts, dump: joinedParts })
    expect(read(parts(gate, up), grid)).toEqual({ reason: '2 parts in the golden, 3 in the dump' })
    expect(read(parts(q, k, whole), grid)).toMatchObject({ reason: expect.stringContaining('other shapes') })
  })
})
