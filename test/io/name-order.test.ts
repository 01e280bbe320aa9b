import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareNames } from '../../src/io/name-order.js'

test.each([
  ['9', '10'],
  ['0_9', '0_10'],
  ['9_LmHead', '10_Add'],
  ['outtensor2.bin', 'outtensor10.bin'],
  ['cuda0_99', 'cuda0_100'],
  ['cuda0_99', 'cuda1_2'],
  ['2', '010'],
  ['a', 'a1'],
  ['a1', 'a1a'],
  ['1a', 'a1'],
  ['-1', '1'],
  ['99999999999999999998', '99999999999999999999'],
  ['99999999999999999999', '100000000000000000000'],
])('%s before %s', (one, other) => {
  expect(compareNames(one, other)).toBeLessThan(0)
  expect(compareNames(other, one)).toBeGreaterThan(0)
})

// Few characters, so that many names are similar.
const names = fc.string({ unit: fc.constantFrom('0', '1', '9', '-', 'a', 'B', 'ä'), maxLength: 6 })

test('the order is total', () => {
  fc.assert(
    fc.property(names, names, names, (a, b, c) => {
      expect(Math.sign(compareNames(a, b))).toBe(0 - Math.sign(compareNames(b, a)))
      expect(compareNames(a, b) === 0).toBe(a === b)
      if (compareNames(a, b) < 0 && compareNames(b, c) < 0) expect(compareNames(a, c)).toBeLessThan(0)
    }),
    { numRuns: 5000 },
  )
})

test('whole numbers are sorted by value', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(digits, digits, (a, b) => {
      const [left, right] = [BigInt(a), BigInt(b)]
      if (left !== right) expect(compareNames(a, b) < 0).toBe(left < right)
    }),
  )
})

test('names of digits and letters are sorted as by Intl.Collator', () => {
  const { compare } = new Intl.Collator('en', { numeric: true })
  const plain = fc.string({ unit: fc.constantFrom(...'0129abz'), maxLength: 8 })
  fc.assert(
    fc.property(plain, plain, (a, b) => {
      if (compare(a, b) !== 0) expect(Math.sign(compareNames(a, b))).toBe(compare(a, b))
    }),
    { numRuns: 2000 },
  )
})
