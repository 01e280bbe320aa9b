import type { Row } from '../../tensor/widen.js'

/** Distances of p = softmax(golden) and q = softmax(dump) that have no sign to cancel. */
export interface Distances {
  /** ½·Σ|p − q|, in [0, 1] */
  readonly totalVariation: number
  /** In nats, in [0, ln 2]. */
  readonly jensenShannon: number
  /** q − p of the golden's top-1, in [−1, 1] */
  readonly goldenTop1DeltaP: number
}

/** Below it, |ln(q/p)| says more of q − p than q and p themselves, which nearly cancel. */
const NEAR = 1

/** Of larger logits, such as masks of −3·10³⁸, differences lose the digits that q and p themselves have. */
const LARGE = 4096

/**
 * All distances in two passes. They are sums over x = ln(q/p) = (m − g) − (ln Σeᵐ − ln Σeᵍ), so that identical rows and rows that
 * differ by a constant give exactly 0, and close rows lose no digits.
 * @param golden a row without NaN and +Inf, as `dump`; −Inf is a probability of 0
 * @param goldenTop1 vocab id of the golden's maximum
 * @param dumpMax the dump's maximum
 */
export function softmaxDistances(golden: Row, dump: Row, goldenTop1: number, dumpMax: number): Distances {
  const goldenMax = golden[goldenTop1]!
  const { goldenMass, dumpMass, shift, rest } = masses(golden, dump, goldenTop1, dumpMax)
  let [variation, jensenShannon, deltaP] = [0, 0, 0]
  for (let id = 0; id < golden.length; id++) {
    const [g, m] = [golden[id]!, dump[id]!]
    const p = Math.exp(g - goldenMax) / goldenMass
    const x = m - g - shift - rest
    let [difference, sum] = [0, 0]
    if (p > 0 && Math.abs(x) < NEAR && Math.abs(g) + Math.abs(m) + Math.abs(shift) < LARGE) {
      const growth = Math.expm1(x)
      difference = p * growth
      sum = p * (2 + growth)
    } else {
      const q = Math.exp(m - dumpMax) / dumpMass
      difference = q - p
      sum = q + p
    }
    variation += Math.abs(difference)
    if (sum > 0) jensenShannon += (sum / 2) * entropyGap(difference / sum)
    if (id === goldenTop1) deltaP = difference
  }
  // Rounding of the sums may exceed what the distances can reach.
  return {
    totalVariation: Math.min(1, variation / 2),
    jensenShannon: Math.min(Math.LN2, jensenShannon),
    goldenTop1DeltaP: deltaP,
  }
}

/**
 * Σexp(row − max) of both rows, and ln Σeᵐ − ln Σeᵍ as the sum of `shift`, a difference of logits of any size, and `rest`, whose
 * digits it would take.
 */
function masses(golden: Row, dump: Row, goldenTop1: number, dumpMax: number) {
  const [goldenMax, dumpAtTop1] = [golden[goldenTop1]!, dump[goldenTop1]!]
  const shift = dumpAtTop1 - goldenMax
  let [goldenMass, dumpMass, excess] = [0, 0, 0]
  for (let id = 0; id < golden.length; id++) {
    const [g, m] = [golden[id]!, dump[id]!]
    const e = Math.exp(g - goldenMax)
    const difference = m - g - shift
    goldenMass += e
    dumpMass += Math.exp(m - dumpMax)
    if (m === Number.NEGATIVE_INFINITY) excess -= e
    else excess += Math.abs(difference) < NEAR ? e * Math.expm1(difference) : Math.exp(m - dumpAtTop1) - e
  }
  // Without cancellation if the masses are close; not finite if the dump's top-1 is far above its logit at the golden's.
  const rest = Math.log1p(excess / goldenMass)
  if (Number.isFinite(shift + rest)) return { goldenMass, dumpMass, shift, rest }
  return { goldenMass, dumpMass, shift: dumpMax - goldenMax, rest: Math.log(dumpMass) - Math.log(goldenMass) }
}

/** ½·[(1 + r)·ln(1 + r) + (1 − r)·ln(1 − r)] for |r| ≤ 1: ln 2 less the entropy of the shares (1 ± r)/2. */
function entropyGap(r: number): number {
  const square = r * r
  if (square >= 1) return Math.LN2
  if (square > 0.01) return ((1 + r) * Math.log1p(r) + (1 - r) * Math.log1p(-r)) / 2
  // The difference would cancel. Its series: r²/2 + r⁴/12 + r⁶/30 + …, r²ᵏ / (2k(2k − 1)).
  let tail = 0
  for (let k = 8; k >= 1; k--) tail = 1 / (2 * k * (2 * k - 1)) + square * tail
  return square * tail
}
