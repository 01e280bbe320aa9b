import { type Precision, ulpAt } from './precision.js'
import type { RowStats } from './types.js'

/** Each of the two logits may be one unit in the last place off. */
const ULPS = 2

/**
 * The two logits move by the noise that all high logits show. Of honest flips, exp(−n²/4) move by more than n spreads: with 3, one
 * honest run in fifty would fail.
 */
export const SPREADS = 6

/** More than this share of the logits' standard deviation is no noise of rounding. */
const MOST_SPREAD = 2 ** -4

/** How far a flip moved two logits against each other, and whether rounding explains it. */
export interface NearTie {
  /** Rounding explains it: the movement is within what is allowed, or a side has both logits equal. */
  readonly isBenign: boolean
  readonly isExactTie: boolean
  /** The golden's logit at its own top-1 less that at the dump's; likewise of the dump. Neither is negative. */
  readonly goldenGap: number
  readonly dumpGap: number
  /** The sum of both gaps. */
  readonly movement: number
  /** The unit in the last place of the precision at the largest of the four logits. */
  readonly ulp: number
  /** 2 units in the last place, and 6 times the spread of the golden's highest logits, at most 2⁻⁴ standard deviations. */
  readonly allowed: number
}

type Preference = Pick<RowStats, 'top1Logit' | 'logitAtOtherTop1'>

/**
 * The one definition of a near-tie: two logits moved against each other by the sum of both gaps, and that must be explained by
 * rounding. The golden's gap alone would call a near-tie what the dump decides by 5 nats.
 * @param spread robust deviation of dump − golden over the golden's highest logits; NaN if it is not known
 * @param deviation standard deviation of the golden's logits; NaN if it is not known
 */
export function nearTie(
  golden: Preference,
  dump: Preference,
  precision: Precision,
  spread: number,
  deviation: number,
): NearTie {
  const goldenGap = golden.top1Logit - golden.logitAtOtherTop1
  const dumpGap = dump.top1Logit - dump.logitAtOtherTop1
  const movement = goldenGap + dumpGap
  const logits = [golden.top1Logit, golden.logitAtOtherTop1, dump.top1Logit, dump.logitAtOtherTop1]
  const ulp = ulpAt(Math.max(...logits.map(Math.abs).filter(Number.isFinite)), precision)
  const noise = Math.min(spread, MOST_SPREAD * deviation)
  const allowed = ULPS * ulp + SPREADS * (Number.isNaN(noise) ? 0 : noise)
  const isExactTie = goldenGap === 0 || dumpGap === 0
  return { isBenign: isExactTie || movement <= allowed, isExactTie, goldenGap, dumpGap, movement, ulp, allowed }
}
