import { describe, expect, test } from 'vitest'
import { compareListed } from '../../src/compare/compare-dumps.js'
import { passText } from '../../src/report/message/pass.js'
import { logits } from '../build/logits.js'
import { torchDump } from '../build/pair.js'

const WIDTH = 64
/** The maximum 32 is at vocab id 3, where the ULP of fp16 is 2^(5-10) and that of bf16 2^(5-7). */
const row = logits(1, WIDTH).with(3, 32)
const golden = torchDump([{ values: row }])

function compare(values: number[], options: object = {}) {
  return compareListed(torchDump([{ values }]), golden, { rule: 'logitscmp', ...options })
}

/** Over the KL limit, with the maximum as it is. */
const flat = row.map((value, id) => (id === 3 ? value : value + 20))

describe("rule: 'logitscmp'", () => {
  test('passes within the three limits, and shows the columns of the old tool', () => {
    const { pass, tokens, thresholds } = compare(row.map((value) => value * 1.0001))
    expect(pass).toBe(true)
    expect(thresholds).toMatchObject({ precision: 'fp16', klDivergence: 0.0001, cosineSimilarity: 0.999, l1Norm: 0.01 })
    const { l1Norm, ulpMaxDiff, ulp } = tokens.at(0)!.metrics!
    expect(l1Norm).toBeCloseTo(1e-4, 6)
    expect(ulpMaxDiff).toBeCloseTo(0.0032, 5)
    expect(ulp).toBe(2 ** -5)
  })

  test('excuses a token over the limits if the maxima are within one ULP at the same id, and says so', () => {
    const comparison = compare(flat)
    expect(comparison.pass).toBe(true)
    const { isExcused, reason } = comparison.tokens.at(0)!
    expect(isExcused).toBe(true)
    expect(reason).toMatch(
      /^KL divergence .* is not below 0\.0001; .*; L1 norm .* is not nearer to 0 than 0\.01; excused by the rule of logitscmp: the maxima at vocab id 3 are 0 apart, within 1 ULP of fp16 \(0\.0313\)$/,
    )
    expect(passText(comparison)).toContain('token 0 is over a limit, excused by the rule of logitscmp: KL divergence')
    expect(comparison.warnings.filter((text) => text.includes('excused'))).toEqual([])
  })

  test('excuses nothing beyond one ULP of the dtype', () => {
    const apart = (difference: number, options?: object) => compare(flat.with(3, 32 + difference), options).pass
    expect(apart(2 ** -5)).toBe(true)
    expect(apart(2 ** -5 + 2 ** -10)).toBe(false)
    expect(apart(2 ** -5 + 2 ** -10, { dtype: 'bf16' })).toBe(true)
    expect(apart(2 ** -2 + 2 ** -6, { dtype: 'bf16' })).toBe(false)
  })

  test('does not excuse the same maximum at another id, which the removed tool passed', () => {
    const rolled = [...row.slice(1), row[0]!]
    const { pass, firstFailure } = compare(rolled)
    expect(pass).toBe(false)
    expect(firstFailure!.reason).toMatch(/^KL divergence .* is not below 0\.0001/)
  })

  test('judges the magnitude of the L1 norm, of which the removed tool passed any negative one', () => {
    const shrunk = row.map((value) => value * 0.5)
    const open = { klDivergence: 100, cosineSimilarity: 0 }
    expect(compare(shrunk, { thresholds: open }).firstFailure!.reason).toBe('L1 norm -0.5 is not nearer to 0 than 0.01')
    expect(compare(shrunk, { thresholds: { ...open, l1Norm: 0.6 } }).pass).toBe(true)
  })

  test('without the rule the same token fails', () => {
    const dump = torchDump([{ values: flat }])
    expect(compareListed(dump, golden, { dtype: 'fp16' }).pass).toBe(false)
  })

  test('probability on ids that the golden suppresses is not excused', () => {
    const masked = torchDump([{ values: flat.with(7, Number.NEGATIVE_INFINITY).with(9, Number.NEGATIVE_INFINITY) }])
    const dump = torchDump([{ values: flat.with(7, 32) }])
    expect(compareListed(dump, masked, { rule: 'logitscmp' }).pass).toBe(false)
  })
})
