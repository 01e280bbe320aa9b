import type { Interval } from '../../metrics/types.js'
import { boundCosine } from './bound-cosine.js'
import { type DumpFacts, type DumpRange, dumpFacts } from './dump-facts.js'
import { ROUNDING } from './interval.js'
import { boundLogRatio, leastHellingerRatio, logRatioOfRise, mostHellingerRatio } from './ratio.js'
import { logProb } from './row-facts.js'
import { nthLowest } from './select.js'
import { boundDistance, roundingOf } from './sketch.js'
import { type CompactRow, MASS_ROUNDING, ROOT_STEP } from './types.js'

/**
 * Intervals that contain the metrics that `compareRows` gives for the golden's full row and `dump`. They hold for every row that
 * has this compact form: if an interval lies on one side of a limit, so does the metric.
 * @param dump of the golden's vocabulary size, free of NaN and +Inf, with a finite logit
 */
export function boundCompact(
  golden: CompactRow,
  dump: Float32Array,
  facts: DumpFacts = dumpFacts(golden, dump),
): { klDivergence: Interval; cosineSimilarity: Interval } {
  return { klDivergence: boundKl(golden, facts), cosineSimilarity: boundCosine(golden, facts) }
}

/**
 * Bounds of KL(golden ‖ dump). With h(p, q) = p·ln(p/q) − p + q ≥ 0, KL = Σ h over all vocab ids, as Σp = Σq = 1.
 *
 * For a listed id, h is bounded over the interval that contains its p. The tail is bounded
 * - from below by h(Σp, Σq) of each range: merging ids never raises a divergence (data processing inequality)
 * - from above by Σp·ln p − Σp·ln q − Σp + Σq, in which only Σp·ln q is not known. It is smallest if the mass of each range lies
 *   on the ids with the lowest q, with the highest p of the tail on each
 * - from both sides by multiples of the squared Hellinger distance H = Σ(√p − √q)², which its sketch bounds: see `ratio.ts`
 */
function boundKl(golden: CompactRow, dump: DumpFacts): Interval {
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
  const rounding = roundingOf(Math.exp(golden.tailCeiling / 2) + Math.exp(dump.ceiling / 2), golden.count)
  const hellinger = boundDistance(golden.tailRoots, dump.tailRoots, rounding)
  const head = lo
  let [tail, evenCross, mass] = [golden.tailEntropy, 0, 0]
  golden.masses.forEach((ofRange, i) => {
    const other = dump.ranges[i]!
    const otherMass = Math.exp(other.logMass)
    const p = { lo: Math.max(0, ofRange * (1 - MASS_ROUNDING) - LEAST_FLOAT32), hi: ofRange * (1 + ROUNDING) }
    if (p.lo > TINY || p.hi === 0) lo += boundTerm(p, other.logMass).lo
    if (ofRange > 0) evenCross += ofRange * logProb(other.sum / other.count, dump.total)
    mass += ofRange
    tail += otherMass - ofRange
    slack += otherMass + ofRange
  })
  if (lo === Number.POSITIVE_INFINITY) return INFINITE
  const logRatio = boundLogRatio(golden, dump)
  lo = Math.max(lo, head + hellinger.lo * leastHellingerRatio(logRatio.lo))
  const least = lo - ROUNDING * (lo + 4 * slack) - 1e-12
  if (support === 'unknown') return { lo: Math.max(0, least), hi: Number.POSITIVE_INFINITY }
  const rise = logRatioOfRise(Math.sqrt(Math.min(hellinger.hi, Math.exp(golden.tailCeiling))), lowestLogQ(dump))
  const byDistance = hellinger.hi * mostHellingerRatio(Math.min(rise, logRatio.hi))
  // The least Σp·ln q takes a sort. It is at most that of p spread evenly, which mostly shows that it is not needed.
  const cross = tail - evenCross > byDistance ? evenCross : leastCross(golden, dump)
  const most = hi + Math.min(Math.max(0, tail - cross), byDistance)
  if (mass > 0) slack += Math.abs(golden.tailEntropy) + Math.abs(cross)
  return { lo: Math.max(0, least), hi: most + ROUNDING * (most + 4 * slack) + MASS_ROUNDING * mass + 1e-12 }
}

const INFINITE: Interval = { lo: Number.POSITIVE_INFINITY, hi: Number.POSITIVE_INFINITY }

/** The lowest ln q among the ids of the tail. */
function lowestLogQ({ ranges, total }: DumpFacts): number {
  let lowest = 0
  for (const range of ranges) if (range.count > 0) lowest = Math.min(lowest, logProb(range.min, total))
  return lowest
}

const LEAST_FLOAT32 = 2 ** -149

/** A lower mass is not used: it may round to 0, depending on the order of the sum. */
const TINY = 1e-290

/** Infinite if the dump suppresses an id that has probability in the golden. */
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

/** The interval that contains the probability of a stored root. */
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
  // q is 0: e⁻ˣ − 1 is −1.
  return x === Number.POSITIVE_INFINITY ? x : p * (Math.expm1(-x) + x)
}

/** A lower bound of Σp·ln q over the tail. */
function leastCross(golden: CompactRow, { ranges }: DumpFacts): number {
  const highest = Math.exp(golden.tailCeiling) * (1 + ROUNDING)
  return golden.masses.reduce((sum, mass, i) => sum + leastCrossOf(mass * (1 + ROUNDING), highest, ranges[i]!), 0)
}

/** The minimum of Σp·ln q for Σp = mass with no p above `highest`: that on the lowest q, and the rest on the next one. */
function leastCrossOf(mass: number, highest: number, range: DumpRange): number {
  if (mass === 0) return 0
  const logs = range.logProbs()
  if (logs.length === 0) return 0
  const filled = highest > 0 ? Math.min(logs.length - 1, Math.floor(mass / highest)) : 0
  const { value, before } = nthLowest(logs, filled + 1)
  return highest * before + Math.max(0, mass - filled * highest) * value
}
