import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PairOutcome } from '../../../src/compare/measure-pair.js'
import { OutcomeTable, type Room } from '../../../src/compare/rows/outcome-table.js'
import type { MeasuredOutcome } from '../../../src/compare/rows/row-form.js'
import { ROW_BYTES, rowMemory, writeRow } from '../../../src/compare/rows/row-memory.js'
import { listOf } from '../../../src/lib/lazy-list.js'

const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY, written: 0, isBroken: false }))

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>()
  const writeSync = (fd: number, bytes: Uint8Array, from: number, length: number, at: number) => {
    if (disk.room === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    const count = real.writeSync(fd, bytes, from, Math.min(length, disk.room), at)
    disk.room -= count
    disk.written += count
    return count
  }
  const readSync = (fd: number, into: Uint8Array, from: number, length: number, at: number) => {
    if (disk.isBroken) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    return real.readSync(fd, into, from, length, at)
  }
  return { ...real, writeSync, readSync }
})

const folder = mkdtempSync(join(tmpdir(), 'golden-logits-room-'))
const { TMPDIR } = process.env
beforeEach(() => Object.assign(disk, { room: Number.POSITIVE_INFINITY, written: 0 }))
afterEach(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = TMPDIR
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const TOKENS = 11_000
const pairs = listOf(TOKENS, (step) => ({
  step,
  golden: { step, files: [`g${step}`], layer: 'lm_head' },
  dump: { step, files: [`d${step}`, `e${step}`], layer: '67_LmHead' },
}))

const double = fc.double()
const float = fc.float()
const id = fc.nat(2 ** 22 - 1)
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('{"number":"NaN"}', 'a\ud800b', '中文 "'))
const cut = fc.record({ goldenColumns: id, goldenMass: double, dumpColumns: id, dumpMass: double })
const form = fc.constantFrom(
  { dtype: 'float32', fileShape: [1, 8], shape: [1, 8] } as const,
  { dtype: 'bfloat16', fileShape: [3, 8], shape: [1, 8] } as const,
)
const stats = fc.record({ max: float, min: float, mean: double, top1: id, logitAtOtherTop1: float })
const metrics = fc.record({
  cosineSimilarity: double,
  klDivergence: double,
  maxRelativeError: double,
  meanRelativeError: double,
  maxAbsoluteError: double,
  meanAbsoluteError: double,
  relativeEuclideanDistance: double,
})
const support = fc.record({ bothSuppressed: id, goldenOnly: id, dumpOnly: id, firstMismatch: fc.integer({ min: -1 }) })
const nonFinite = fc.record({ nan: id, positiveInfinity: id, firstVocabId: id })
const notes = fc.constantFrom([], ['a note'], ['a note', 'and another'])

interface Placed {
  readonly index: number
  readonly outcome: PairOutcome
  /** Comes as a row that another thread wrote. */
  readonly isOthers: boolean
}

/** An outcome of any kind, with the files and layers of the pair at that place. */
const placed = (places: fc.Arbitrary<number>) =>
  fc
    .record({
      index: places,
      isOthers: fc.boolean(),
      kind: fc.constantFrom(
        'measured',
        'measured',
        'measured',
        'no-support',
        'non-finite',
        'shape-mismatch',
        'unreadable',
      ),
      ...{ forms: fc.tuple(form, form), stats: fc.tuple(stats, stats), metrics, support, notes, text },
      cut: fc.option(cut, { nil: undefined }),
      nonFinite: fc.tuple(nonFinite, nonFinite),
    })
    .map(({ index, kind, isOthers, ...some }): Placed => {
      const { golden, dump } = pairs.at(index)!
      const side = (which: 0 | 1) => {
        const { files, layer } = which === 0 ? golden : dump
        const { top1, max, min, mean, logitAtOtherTop1 } = some.stats[which]
        const bare = { files, layer, ...some.forms[which] }
        return kind === 'measured' ? { ...bare, max, min, mean, top1, top1Logit: max, logitAtOtherTop1 } : bare
      }
      const sides = { golden: side(0), dump: side(1), notes: some.notes }
      const compared = { ...sides, kind: 'compared' as const, ...(some.cut && { cut: { ...some.cut } }) }
      if (kind === 'shape-mismatch' || kind === 'unreadable') {
        return { index, isOthers, outcome: { ...sides, kind, reason: some.text } }
      }
      if (kind === 'no-support') return { index, isOthers, outcome: { ...compared, rows: { kind, side: 'both' } } }
      if (kind === 'non-finite') {
        const [g, d] = some.nonFinite
        return { index, isOthers, outcome: { ...compared, rows: { kind, golden: { ...g }, dump: { ...d } } } }
      }
      const { golden: g, dump: d } = sides
      const rows = { kind, metrics: { ...some.metrics }, golden: g, dump: d, support: { ...some.support } }
      return { index, isOthers, outcome: { ...compared, rows } as MeasuredOutcome }
    })

const anywhere = fc.oneof(fc.nat(TOKENS - 1), fc.nat(20))
const outcomes = fc.uniqueArray(placed(anywhere), { selector: ({ index }) => index, minLength: 1, maxLength: 60 })

/** Puts them into a table in their order, and asks for them twice: from the first to the last, and in that order again. */
function examine(all: readonly Placed[], room: Room | undefined): void {
  const table = new OutcomeTable(pairs, room)
  const shared = rowMemory(new SharedArrayBuffer(3 * ROW_BYTES))
  for (const { index, outcome, isOthers } of all) {
    expect(table.has(index)).toBe(false)
    const measured = outcome as MeasuredOutcome
    if (isOthers && outcome.kind === 'compared' && outcome.rows.kind === 'measured') {
      writeRow(shared, 1, measured.rows, measured.cut, table.forms.numberOf(measured))
      table.putRow(index, shared, 1)
    } else table.put(index, outcome)
    expect(table.has(index)).toBe(true)
  }
  const ascending = all.toSorted((a, b) => a.index - b.index)
  for (const { index, outcome } of [...ascending, ...all]) expect(table.at(index)).toStrictEqual(outcome)
  const absent = Array.from({ length: 30 }, (_, i) => i * 367).filter((i) => !all.some(({ index }) => index === i))
  for (const index of absent) expect([table.has(index), table.at(index)]).toEqual([false, undefined])
}

const TIGHT: Room = { chunks: 1, objects: 2, pages: 1 }
const PAIR: Room = { chunks: 2, objects: 0, pages: 2 }

describe('outcomes of all kinds come back as they were put in', () => {
  test('from memory', () => {
    fc.assert(fc.property(outcomes, (all) => examine(all, undefined)))
    expect(disk.written).toBe(0)
  })

  test.each([TIGHT, PAIR])('from a file, with room for %j', (room) => {
    process.env.TMPDIR = folder
    fc.assert(fc.property(outcomes, (all) => examine(all, room)))
    expect(disk.written).toBeGreaterThan(10 * 2048 * ROW_BYTES)
    expect(readdirSync(folder)).toEqual([])
  })

  test.each([TIGHT, PAIR])('from memory where no file can be made, with room for %j', (room) => {
    process.env.TMPDIR = join(folder, 'absent')
    fc.assert(fc.property(outcomes, (all) => examine(all, room)))
    expect(disk.written).toBe(0)
  })

  test.each([TIGHT, PAIR])('from a disk that fills up meanwhile, and from memory, with room for %j', (room) => {
    const full = fc.nat(6 * 2048 * ROW_BYTES)
    fc.assert(
      fc.property(outcomes, full, (all, space) => {
        disk.room = space
        examine(all, room)
      }),
    )
  })
})

const sideOf = ({ files, layer }: { files: string[]; layer: string }) => ({ files, layer })

function measuredAt(index: number): PairOutcome {
  const isMeasured = ({ outcome }: Placed) => outcome.kind === 'compared' && outcome.rows.kind === 'measured'
  const [found] = fc.sample(placed(fc.constant(index)).filter(isMeasured), 1) as [Placed]
  return found.outcome
}

/** A table with such outcomes at the first of each 1,000 places. */
function spread(room: Room): {
  table: OutcomeTable
  places: readonly number[]
  expectedAt: (index: number) => PairOutcome
} {
  const table = new OutcomeTable(pairs, room)
  const places = Array.from({ length: 11 }, (_, i) => i * 1000)
  const made = new Map(places.map((index) => [index, measuredAt(index)]))
  for (const [index, outcome] of made) table.put(index, outcome)
  return { table, places, expectedAt: (index) => made.get(index)! }
}

test('what is only read is not written again', () => {
  const { table, places, expectedAt } = spread(TIGHT)
  // The last chunk is still to be written.
  for (const index of places) expect(table.at(index)).toStrictEqual(expectedAt(index))
  const { written } = disk
  for (const index of places) expect(table.at(index)).toStrictEqual(expectedAt(index))
  expect([written, disk.written]).toEqual([5 * 2048 * ROW_BYTES, written])
})

test('a disk that cannot be read is an error, and no other outcome instead', () => {
  const { table, places, expectedAt } = spread(TIGHT)
  disk.isBroken = true
  expect(() => table.at(0)).toThrow('results kept in a temporary file cannot be read again (EIO: i/o error, read)')
  expect(() => table.at(10_000)).toThrow('check the disk')
  disk.isBroken = false
  for (const index of places) expect(table.at(index)).toStrictEqual(expectedAt(index))
})

test('many outcomes that are no rows lie in the file as bytes, on more pages than are kept', () => {
  const table = new OutcomeTable(pairs, { chunks: 2, objects: 10, pages: 1 })
  const of = (index: number): PairOutcome => {
    const { golden, dump } = pairs.at(index)!
    const reason = `${index} `.repeat(10 + (index % 50))
    return { golden: sideOf(golden), dump: sideOf(dump), notes: [], kind: 'unreadable', reason }
  }
  for (let index = 0; index < TOKENS; index++) table.put(index, of(index))
  expect(disk.written).toBeGreaterThan(2 ** 20)
  for (let index = 0; index < TOKENS; index++) expect(table.at(index)).toStrictEqual(of(index))
  // One larger than a page.
  const large = new OutcomeTable(pairs, { chunks: 1, objects: 0, pages: 1 })
  const outcome: PairOutcome = { ...of(5), notes: ['x'.repeat(700_000)] }
  large.put(5, outcome)
  large.put(3000, of(3000))
  expect([large.at(5), large.at(3000)]).toStrictEqual([outcome, of(3000)])
})

test('no file is made for as many tokens as most comparisons have', () => {
  const many = listOf(16_000, (step) => ({ step, golden: pairs.at(0)!.golden, dump: pairs.at(0)!.dump }))
  const table = new OutcomeTable(many)
  const outcome = measuredAt(0)
  for (let index = 0; index < many.length; index++) table.put(index, outcome)
  expect(disk.written).toBe(0)
})
