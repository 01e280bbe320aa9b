import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BitReader, BitWriter } from '../../../src/snapshots/compact/bits.js'
import { decodeRow, encodeRow } from '../../../src/snapshots/compact/code.js'
import { summarise } from '../../../src/snapshots/compact/summarise.js'
import { FORMAT_VERSION } from '../../../src/snapshots/types.js'
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

describe('rows', () => {
  test.each(Object.keys(CHANGES))('%s: a row survives its bytes', (name) => {
    for (let seed = 1; seed <= 40; seed++) {
      const next = random(seed)
      const row = languageRow(next, 1 + Math.floor(next() * 500))
      CHANGES[name]!(row, next)
      if (!row.some((x) => x > Number.NEGATIVE_INFINITY)) continue
      const compact = summarise(row, 1 + Math.floor(next() * 100))
      expect(decodeRow(encodeRow(compact), row.length, FORMAT_VERSION)).toEqual(compact)
    }
  })

  test('256 vocab ids of 151,936 take less than 1,400 bytes', () => {
    const row = languageRow(random(1), 151_936)
    expect(encodeRow(summarise(row, 256)).length).toBeLessThan(1400)
  })

  test('cut at any byte, a row is refused', () => {
    const row = languageRow(random(2), 300)
    const bytes = encodeRow(summarise(row, 20))
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeRow(bytes.subarray(0, length), 300, FORMAT_VERSION), `cut at ${length}`).toBeTypeOf('string')
    }
    expect(decodeRow(Uint8Array.from([...bytes, 0]), 300, FORMAT_VERSION)).toBe(
      'it has more bytes than its vocab ids need',
    )
  })

  test('any bytes are a sound row or a reason, never an exception', () => {
    const good = encodeRow(summarise(languageRow(random(3), 300), 20))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (edits) => {
        const bytes = good.slice()
        for (const [at, value] of edits) bytes[at] = value
        const row = decodeRow(bytes, 300, FORMAT_VERSION)
        if (typeof row === 'string') return
        expect(row.ids.every((id, i) => id < 300 && (i === 0 || id > row.ids[i - 1]!))).toBe(true)
        expect(row.roots.every((root) => root >= 1 && root <= 2 ** 14)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})
