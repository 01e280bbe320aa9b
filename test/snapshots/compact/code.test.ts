import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BitReader, BitWriter, golombLength, riceLength } from '../../../src/snapshots/compact/bits.js'
import { decodeRow, encodeRow, type RowLine } from '../../../src/snapshots/compact/code.js'
import { summarise } from '../../../src/snapshots/compact/summarise.js'
import type { CompactRow } from '../../../src/snapshots/compact/types.js'
import { CHANGES, languageRow, random } from './pairs.js'

test('bits: what is written is read', () => {
  const number = fc.tuple(fc.constantFrom('fixed', 'rice', 'golomb'), fc.nat(5000), fc.integer({ min: 0, max: 13 }))
  fc.assert(
    fc.property(fc.array(number), (numbers) => {
      const writer = new BitWriter()
      for (const [code, value, shift] of numbers) {
        if (code === 'fixed') writer.fixed(value, 13)
        else writer[code as 'rice' | 'golomb'](value, shift)
      }
      const reader = new BitReader(writer.finish())
      for (const [code, value, shift] of numbers) {
        expect(code === 'fixed' ? reader.fixed(13) : reader[code as 'rice' | 'golomb'](shift)).toBe(value)
      }
      expect(reader.isAtEnd()).toBe(true)
    }),
  )
})

test('codes have the bits of their definitions', () => {
  const rice = new BitWriter()
  rice.rice(9, 2) // 9 = 2·4 + 1: 110 01
  expect([...rice.finish()]).toEqual([0b11001_000])
  const golomb = new BitWriter()
  golomb.golomb(9, 1) // 9 = 4·2 + 1, 4 + 1 = 101: 00101 1
  expect([...golomb.finish()]).toEqual([0b001011_00])
})

test('numbers of 32 bits and of no bits lie at any bit', () => {
  for (let before = 0; before < 8; before++) {
    const writer = new BitWriter()
    writer.fixed(1, before)
    writer.fixed(0xdeadbeef, 32)
    writer.fixed(0xffffffff, 0)
    writer.fixed(5, 3)
    const bits = [...writer.finish()].map((byte) => byte.toString(2).padStart(8, '0')).join('')
    const written = `${'1'.padStart(before, '0').slice(0, before)}${(0xdeadbeef).toString(2)}101`
    expect(bits).toBe(written.padEnd(Math.ceil(written.length / 8) * 8, '0'))
    const reader = new BitReader(writer.finish())
    expect([before, 32, 0, 3].map((width) => reader.fixed(width)).slice(1)).toEqual([0xdeadbeef, 0, 5])
  }
})

test('thousands of bytes are written', () => {
  const writer = new BitWriter()
  const numbers = Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 2 ** 12)
  for (const number of numbers) writer.fixed(number, 12)
  const reader = new BitReader(writer.finish())
  expect(numbers.filter((number) => reader.fixed(12) !== number)).toEqual([])
})

test('the lengths of codes follow from their definitions', () => {
  const number = fc.oneof(fc.nat(100), fc.nat(2 ** 24), fc.constantFrom(2 ** 23 - 1, 2 ** 23, 2 ** 24 - 1))
  fc.assert(
    fc.property(number, fc.integer({ min: 0, max: 19 }), (value, shift) => {
      const high = Math.floor(value / 2 ** shift)
      expect(riceLength(value, shift)).toBe(high + 1 + shift)
      expect(golombLength(value, shift)).toBe(2 * ((high + 1).toString(2).length - 1) + 1 + shift)
    }),
  )
})

/** What the line of a token says of a row. */
function lineOf({ count, top1, top1Logit }: CompactRow): RowLine {
  return { count, top1, top1Logit }
}

describe('rows', () => {
  test.each(Object.keys(CHANGES))('%s: a row survives its bytes', (name) => {
    for (let seed = 1; seed <= 40; seed++) {
      const next = random(seed)
      const row = languageRow(next, 1 + Math.floor(next() * 500))
      CHANGES[name]!(row, next)
      if (!row.some((x) => x > Number.NEGATIVE_INFINITY)) continue
      const compact = summarise(row, 1 + Math.floor(next() * 100))
      expect(decodeRow(encodeRow(compact), lineOf(compact))).toEqual(compact)
    }
  })

  test.each([
    [64, 520],
    [256, 960],
  ])('%i vocab ids of 151,936 take less than %i bytes', (k, bytes) => {
    const row = languageRow(random(1), 151_936)
    expect(encodeRow(summarise(row, k)).length).toBeLessThan(bytes)
  })

  test('cut at any byte, a row is refused', () => {
    const row = languageRow(random(2), 300)
    const compact = summarise(row, 20)
    const bytes = encodeRow(compact)
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeRow(bytes.subarray(0, length), lineOf(compact)), `cut at ${length}`).toBeTypeOf('string')
    }
    expect(decodeRow(Uint8Array.from([...bytes, 0]), lineOf(compact))).toBe('it has more bytes than its vocab ids need')
  })

  test('any bytes are a sound row or a reason, never an exception', () => {
    const compact = summarise(languageRow(random(3), 300), 20)
    const good = encodeRow(compact)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (edits) => {
        const bytes = good.slice()
        for (const [at, value] of edits) bytes[at] = value
        const row = decodeRow(bytes, lineOf(compact))
        if (typeof row === 'string') return
        expect(row.ids.every((id, i) => id < 300 && (i === 0 || id > row.ids[i - 1]!))).toBe(true)
        expect(row.roots.every((root) => root >= 1 && root <= 2 ** 14)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})
