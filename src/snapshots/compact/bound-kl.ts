import type { DumpFacts, DumpRange } from './dump-facts.js'
import { type Interval, ROUNDING } from './interval.js'
import { type LogSum, logProb } from './log-probs.js'
import { boundDistance } from './sketch.js'
import { type CompactRow, ROOT_STEP } from './types.js'

/**
 * Bounds of KL(golden ‖ dump). With h(p, q) = p·ln(p/q) − p + q ≥ 0, KL = Σ h over all vocab ids, as Σp = Σq = 1.
 *
 * A listed id gives h over the interval that its p is known to be in. The tail gives
 * - from below, h(Σp, Σq) of each range: merging ids never raises a divergence (data processing inequality)
 * - from above, Σp·ln p − Σp·ln q − Σp + Σq, all known but Σp·ln q, which is least when the known mass of each range lies
 *   on the ids that the dump thinks least of, as much on each as the highest p of the tail
 * - from both sides, multiples of the squared Hellinger distance H = Σ(√p − √q)², which its sketch bounds: see `hellingerRatio`
 */
export function boundKl(golden: CompactRow, dump: DumpFacts): Interval {
  const support = boundSupport(golden, dump)
  if (support === 'infinite') return INFINITE
  let [lo, hi, slack] = [0, 0, 0]
  golden.ids.forEach((id, i) => {
    const p = rootInterval(golden.roots[i]!)
    const logQ = logProb(dump.row[id]!, dump.total)
    const h = boundTerm(p, logQ)
    lo += h.lo
    hi += h.hi
    slack += Math.max(Math.abs(p.hi - Math.exp(logQ)), Math.abs(p.lo - Math.exp(logQ)))
  })
  const hellinger = boundDistance(golden.tailRoots, dump.tailRoots)
  const head = lo
  let [tail, cross, mass] = [golden.tailEntropy, 0, 0]
  golden.ranges.forEach((range, i) => {
    const other = dump.ranges[i]!
    const otherMass = Math.exp(other.logMass)
    const p = { lo: range.mass * (1 - ROUNDING), hi: range.mass * (1 + ROUNDING) }
    if (p.lo > TINY || p.hi === 0) lo += boundTerm(p, other.logMass).lo
    cross += leastCross(p.hi, Math.exp(golden.tailCeiling) * (1 + ROUNDING), other, dump.total)
    mass += range.mass
    tail += otherMass - range.mass
    slack += otherMass + range.mass
  })
  if (lo === Number.POSITIVE_INFINITY) return INFINITE
  // h is at least (√p − √q)².
  lo = Math.max(lo, head + hellinger.lo)
  const least = lo - ROUNDING * (lo + 4 * slack) - 1e-12
  if (support === 'unknown') return { lo: Math.max(0, least), hi: Number.POSITIVE_INFINITY }
  const ratio = hellingerRatio(Math.sqrt(Math.min(hellinger.hi, Math.exp(golden.tailCeiling))), lowestLogQ(dump))
  const most = hi + Math.min(Math.max(0, tail - cross), hellinger.hi * ratio)
  if (mass > 0) slack += Math.abs(golden.tailEntropy) + Math.abs(cross)
  return { lo: Math.max(0, least), hi: most + ROUNDING * (most + 4 * slack) + 1e-12 }
}

const INFINITE: Interval = { lo: Number.POSITIVE_INFINITY, hi: Number.POSITIVE_INFINITY }

/**
 * The most that h(p, q) is of (√p − √q)² for √p ≤ √q + `rise`. With t = √(p/q) that is
 * φ(t) = (2t²·ln t − t² + 1) / (t − 1)², which grows with t from 1 at 0 over 2 at 1, so that the lowest q has the highest.
 */
function hellingerRatio(rise: number, lowestLogQ: number): number {
  const logRise = Math.log(rise) - lowestLogQ / 2
  // φ(t) < 2·ln t from there on, and t itself may be too large a number.
  if (logRise > 30) return 2 * logRise
  const t = 1 + Math.exp(logRise)
  if (t < 1.01) return 2.01
  return ((t * t * (2 * Math.log(t) - 1) + 1) / (t - 1) ** 2) * (1 + 1e-8)
}

/** The lowest ln q among the ids that the golden may give probability to and does not list. */
function lowestLogQ({ ranges, total }: DumpFacts): number {
  let lowest = 0
  for (const { logits } of ranges) if (logits.length > 0) lowest = Math.min(lowest, logProb(logits[0]!, total))
  return lowest
}

/** A mass below it says nothing: it may round to 0 in one way of summing and not in another. */
const TINY = 1e-290

/** Does the dump rule out an id that has probability in the golden, which makes the divergence infinite? */
function boundSupport(
  golden: CompactRow,
  { row, sameSupport, infinite }: DumpFacts,
): 'finite' | 'infinite' | 'unknown' {
  if (infinite === 0 || sameSupport) return 'finite'
  for (const id of golden.ids) if (row[id] === Number.NEGATIVE_INFINITY) return 'infinite'
  // exp(−745.1) is the smallest number above 0 in float64.
  if (infinite > golden.suppressed && golden.floor > -740) return 'infinite'
  return 'unknown'
}

/** The probability that a stored root stands for. */
function rootInterval(root: number): Interval {
  const [lo, hi] = [(root - 0.5) * ROOT_STEP * (1 - ROUNDING), (root + 0.5) * ROOT_STEP * (1 + ROUNDING)]
  return { lo: lo * lo, hi: Math.min(1, hi * hi) }
}

/** h(p, q) is convex in p and 0 at p = q. */
function boundTerm(p: Interval, logQ: number): Interval {
  const [a, b] = [term(p.lo, logQ), term(p.hi, logQ)]
  const q = Math.exp(logQ)
  return { lo: p.lo <= q && q <= p.hi ? 0 : Math.min(a, b), hi: Math.max(a, b) }
}

function term(p: number, logQ: number): number {
  if (p === 0) return Math.exp(logQ)
  const x = Math.log(p) - logQ
  // A dump that gives (next to) nothing: e⁻ˣ − 1 is −1.
  return x === Number.POSITIVE_INFINITY ? x : p * (Math.expm1(-x) + x)
}

/** The least Σp·ln q for Σp = mass with no p above `highest`. */
function leastCross(mass: number, highest: number, { logits }: DumpRange, total: LogSum): number {
  let [left, sum] = [mass, 0]
  for (let i = 0; i < logits.length && left > 0; i++) {
    const p = Math.min(left, highest)
    sum += p * logProb(logits[i]!, total)
    left -= p
  }
  return left > 0 && logits.length > 0 ? sum + left * logProb(logits[0]!, total) : sum
}
