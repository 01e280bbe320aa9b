import { describe, expect, test } from 'vitest'
import { nearTie } from '../../src/metrics/near-tie.js'

/** A flip whose golden prefers its top-1 at `top` by `goldenGap`, and whose dump prefers another by `dumpGap`. */
function flip(top: number, goldenGap: number, dumpGap: number, spread = 0, deviation = 4) {
  const golden = { top1Logit: top, logitAtOtherTop1: top - goldenGap }
  const dump = { top1Logit: top - goldenGap + dumpGap, logitAtOtherTop1: top - goldenGap }
  return nearTie(golden, dump, 'bf16', spread, deviation)
}

// bf16 numbers in [16, 32) are 1/8 apart.
describe('a near-tie', () => {
  test('moves by at most 2 ULP at the largest of the four logits', () => {
    expect(flip(16, 0.125, 0.125)).toMatchObject({ movement: 0.25, ulp: 0.125, allowed: 0.25, isBenign: true })
    expect(flip(16, 0.125, 0.126).isBenign).toBe(false)
    expect(flip(15.9, 0.125, 0.12).isBenign).toBe(false)
    expect(flip(-20, 0.125, 0.125).isBenign).toBe(true)
    const fp16 = nearTie(
      { top1Logit: 16, logitAtOtherTop1: 15.9 },
      { top1Logit: 16, logitAtOtherTop1: 15.9 },
      'fp16',
      0,
      4,
    )
    expect(fp16).toMatchObject({ ulp: 2 ** -6, isBenign: false })
  })

  test('is judged by the movement, not by the gap of the golden', () => {
    // A golden gap within 2 ULP, which the dump decides by 5: no rounding does that.
    expect(flip(16, 0.125, 5)).toMatchObject({ goldenGap: 0.125, dumpGap: 5, movement: 5.125, isBenign: false })
  })

  test('may move by 6 spreads of the high logits more, up to 2⁻⁴ standard deviations each', () => {
    expect(flip(16, 0.2, 0.2, 0.0251)).toMatchObject({ allowed: 0.25 + 6 * 0.0251, isBenign: true })
    expect(flip(16, 0.2, 0.2, 0.0249).isBenign).toBe(false)
    // 6 · 4 / 16
    expect(flip(16, 0.8, 0.9, 9)).toMatchObject({ allowed: 0.25 + 1.5, isBenign: true })
    expect(flip(16, 0.9, 0.9, 9).isBenign).toBe(false)
    expect(flip(16, 0.2, 0.2, Number.NaN)).toMatchObject({ allowed: 0.25, isBenign: false })
  })

  test('is every flip with an exact tie on a side', () => {
    expect(flip(16, 3, 0)).toMatchObject({ isExactTie: true, isBenign: true })
    expect(flip(16, 0, 3)).toMatchObject({ isExactTie: true, isBenign: true })
    expect(flip(16, 3, 0.01)).toMatchObject({ isExactTie: false, isBenign: false })
  })
})
