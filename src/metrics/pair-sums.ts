import type { Row } from '../tensor/widen.js'
import type { Support } from './types.js'

/**
 * Golden logits of at most this magnitude do not count in the element-wise errors, nor do such norms in the distance.
 */
export const EPSILON = 2 ** -23

/**
 * Sums over the vocab ids that are finite on both sides, in float64, with g = golden, m = dump, d = m − g. The errors
 * are summed only over ids with |g| > 2⁻²³.
 */
export interface PairSums {
  /** Σg² */
  gg: number
  /** Σm² */
  mm: number
  /** Σgm */
  gm: number
  /** Σd² */
  dd: number
  /** Σd(m + g) = Σm² − Σg², without the cancellation of that difference. */
  spread: number
  absoluteSum: number
  absoluteMax: number
  relativeSum: number
  relativeMax: number
}

/**
 * One pass over both rows, which must not contain NaN or +Inf.
 * @param scale a factor of both rows in the sums of products, so that these do not overflow
 */
export function sumPair(golden: Row, dump: Row, count: number, scale = 1): { sums: PairSums; support: Support } {
  let [gg, mm, gm, dd, spread] = [0, 0, 0, 0, 0]
  let [absoluteSum, absoluteMax, relativeSum, relativeMax] = [0, 0, 0, 0]
  const support = { bothSuppressed: 0, goldenOnly: 0, dumpOnly: 0, firstMismatch: -1 }
  for (let i = 0; i < count; i++) {
    const g = golden[i]!
    const m = dump[i]!
    if (g === Number.NEGATIVE_INFINITY || m === Number.NEGATIVE_INFINITY) {
      countSuppressed(support, g, m, i)
      continue
    }
    const d = m - g
    const sg = scale * g
    const sm = scale * m
    const sd = scale * d
    gg += sg * sg
    mm += sm * sm
    gm += sg * sm
    dd += sd * sd
    spread += sd * (sm + sg)
    const size = Math.abs(g)
    if (size > EPSILON) {
      const absolute = Math.abs(d)
      const relative = absolute / size
      absoluteSum += absolute
      relativeSum += relative
      if (absolute > absoluteMax) absoluteMax = absolute
      if (relative > relativeMax) relativeMax = relative
    }
  }
  return { sums: { gg, mm, gm, dd, spread, absoluteSum, absoluteMax, relativeSum, relativeMax }, support }
}

function countSuppressed(support: Support, g: number, m: number, vocabId: number): void {
  if (g === m) {
    support.bothSuppressed++
    return
  }
  if (g === Number.NEGATIVE_INFINITY) support.goldenOnly++
  else support.dumpOnly++
  if (support.firstMismatch < 0) support.firstMismatch = vocabId
}
