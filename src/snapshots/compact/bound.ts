import { type DumpFacts, type DumpRange, dumpFacts } from './dump-facts.js'
import { add, type Interval, ROUNDING, scale, widened } from './interval.js'
import { logProb } from './row-facts.js'
import { nthLowest } from './select.js'
import { boundDistance, roundingOf } from './sketch.js'
import { type CompactRow, type Fill, type Moments, ROOT_STEP } from './types.js'

/**
 * Intervals that contain the metrics that `compareRows` gives for the golden's full row and `dump`. They hold for every row that
 * has this compact form: if an interval lies on one side of a limit, so does the metric.
 * @param dump of the golden's vocabulary size, free of NaN and +Inf, with a finite logit
 */
export function boundCompact(
  golden: CompactRow,
  dump: Float32Array,
): { klDivergence: Interval; cosineSimilarity: Interval } {
  const facts = dumpFacts(golden, dump)
  return { klDivergence: boundKl(golden, facts), cosineSimilarity: boundCosine(golden, facts) }
}

/**
 * Bounds of KL(golden ‖ dump). With h(p, q) = p·ln(p/q) − p + q ≥ 0, KL = Σ h over all vocab ids, as Σp = Σq = 1.
 *
 * For a listed id, h is bounded over the interval that contains its p. The tail is bounded
 * - from below by h(Σp, Σq) of each range: merging ids never raises a divergence (data processing inequality)
 * - from above by Σp·ln p − Σp·ln q − Σp + Σq, in which only Σp·ln q is not known. It is smallest if the mass of each range lies
 *   on the ids with the lowest q, with the highest p of the tail on each
 * - from both sides by multiples of the squared Hellinger distance H = Σ(√p − √q)², which its sketch bounds: see
 *   `hellingerRatio`
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
  const rounding = roundingOf(Math.exp(golden.tailCeiling / 2) + Math.exp(dump.ceiling / 2), golden.count)
  const hellinger = boundDistance(golden.tailRoots, dump.tailRoots, rounding)
  const head = lo
  let [tail, evenCross, mass] = [golden.tailEntropy, 0, 0]
  golden.ranges.forEach((range, i) => {
    const other = dump.ranges[i]!
    const otherMass = Math.exp(other.logMass)
    const p = { lo: range.mass * (1 - ROUNDING), hi: range.mass * (1 + ROUNDING) }
    if (p.lo > TINY || p.hi === 0) lo += boundTerm(p, other.logMass).lo
    if (range.mass > 0) evenCross += range.mass * logProb(other.sum / other.size, dump.total)
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
  const byDistance = hellinger.hi * ratio
  // The least Σp·ln q takes a sort. It is at most that of p spread evenly, which mostly shows that it is not needed.
  const cross = tail - evenCross > byDistance ? evenCross : leastCross(golden, dump)
  const most = hi + Math.min(Math.max(0, tail - cross), byDistance)
  if (mass > 0) slack += Math.abs(golden.tailEntropy) + Math.abs(cross)
  return { lo: Math.max(0, least), hi: most + ROUNDING * (most + 4 * slack) + 1e-12 }
}

const INFINITE: Interval = { lo: Number.POSITIVE_INFINITY, hi: Number.POSITIVE_INFINITY }

/**
 * The maximum of h(p, q) / (√p − √q)² for √p ≤ √q + `rise`. With t = √(p/q) the ratio is
 * φ(t) = (2t²·ln t − t² + 1) / (t − 1)², which grows with t (φ(0) = 1, φ(1) = 2), so the lowest q has the highest ratio.
 */
function hellingerRatio(rise: number, lowestLogQ: number): number {
  const logRise = Math.log(rise) - lowestLogQ / 2
  // φ(t) < 2·ln t for these t, and exp could overflow.
  if (logRise > 30) return 2 * logRise
  const t = 1 + Math.exp(logRise)
  if (t < 1.01) return 2.01
  return ((t * t * (2 * Math.log(t) - 1) + 1) / (t - 1) ** 2) * (1 + 1e-8)
}

/** The lowest ln q among the ids of the tail. */
function lowestLogQ({ ranges, total }: DumpFacts): number {
  let lowest = 0
  for (const range of ranges) if (range.size > 0) lowest = Math.min(lowest, logProb(range.lowest, total))
  return lowest
}

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
  return golden.ranges.reduce((sum, { mass }, i) => sum + leastCrossOf(mass * (1 + ROUNDING), highest, ranges[i]!), 0)
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

const ANY_COSINE: Interval = { lo: -1, hi: 1 }

/**
 * Bounds of the cosine similarity over the ids whose logit is finite on both sides. Of the ids that neither row suppresses:
 * tight ones from the sketch if the rows are close, wide ones from the sums otherwise. Suppressed logits that are finite on
 * both sides add to the products and norms.
 */
export function boundCosine(golden: CompactRow, dump: DumpFacts): Interval {
  if (!dump.sameSupport) return ANY_COSINE
  const fills = sharedFills(golden, dump)
  if (fills === undefined) return ANY_COSINE
  const [g, d] = [golden.moments.squares, dump.moments.squares]
  const hasDirections = Math.min(g, d) > 0
  if (fills === 'none') return hasDirections ? cosineOfRest(golden, dump) : ANY_COSINE
  const dot = add(
    hasDirections ? scale(cosineOfRest(golden, dump), Math.sqrt(g) * Math.sqrt(d)) : ZERO,
    boundProducts(fills.golden, fills.dump, golden.suppressed - golden.infinite),
  )
  const norms = Math.sqrt(g + fills.golden.squares) * Math.sqrt(d + fills.dump.squares)
  if (!(norms > 0)) return ANY_COSINE
  const { lo, hi } = widened({ lo: dot.lo / norms, hi: dot.hi / norms }, 8 * ROUNDING)
  return { lo: Math.max(-1, lo), hi: Math.min(1, hi) }
}

/**
 * The suppressed logits that are finite on both sides, for rows that suppress the same ids.
 * @returns undefined if it is not known which these are
 */
function sharedFills(golden: CompactRow, dump: DumpFacts): { golden: Fill; dump: Fill } | 'none' | undefined {
  if (golden.infinite === golden.suppressed || dump.infinite === dump.suppressed) return 'none'
  const [g, d] = [golden.fill, dump.fill]
  if (!g || !d || Buffer.compare(g.infiniteDigest, d.infiniteDigest) !== 0) return undefined
  return { golden: g, dump: d }
}

/** Σgm of n pairs: n·ḡ·m̄ ± √(Σ(g − ḡ)²·Σ(m − m̄)²) (Cauchy-Schwarz inequality), exact if one side is constant. */
function boundProducts(g: Fill, m: Fill, size: number): Interval {
  if (g.min === g.max) return point(g.max * m.sum)
  if (m.min === m.max) return point(m.max * g.sum)
  const spread = Math.sqrt(variance(g.sum, g.squares, size)) * Math.sqrt(variance(m.sum, m.squares, size))
  return widened(point((g.sum / size) * m.sum), spread)
}

/** Of the ids that neither row suppresses. */
function cosineOfRest(golden: CompactRow, dump: DumpFacts): Interval {
  const [near, far] = [boundByDistance(golden, dump), boundBySums(golden, dump)]
  return { lo: Math.max(-1, near.lo, far.lo), hi: Math.min(1, near.hi, far.hi) }
}

/**
 * cos = 1 − ‖u − v‖² / 2, where u and v are the rows divided by their norms. The part of u − v along (1, 1, …) follows from the
 * sums, the rest is bounded by the sketches.
 */
function boundByDistance(golden: CompactRow, dump: DumpFacts): Interval {
  const size = golden.count - golden.suppressed
  const means = meanOf(golden.moments, size) - meanOf(dump.moments, size)
  // No element of a direction is above 1.
  const rest = boundDistance(golden.direction, dump.direction, roundingOf(2, golden.count))
  const along = size * means * means
  return widened({ lo: 1 - (along + rest.hi) / 2, hi: 1 - (along + rest.lo) / 2 }, 4 * ROUNDING)
}

function meanOf({ sum, squares }: Moments, size: number): number {
  return sum / size / Math.sqrt(squares)
}

/**
 * Σgm is known on the listed ids. On each range of the tail it differs from n·ḡ·m̄ by at most √(Σ(g − ḡ)²·Σ(m − m̄)²)
 * (Cauchy-Schwarz inequality). These bounds are wide, because nearly all of a row's norm is in the tail.
 */
function boundBySums(golden: CompactRow, dump: DumpFacts): Interval {
  let dot = ZERO
  golden.ids.forEach((id, i) => {
    dot = add(dot, scale(logitInterval(golden.roots[i]!, golden.logSumExp), dump.row[id]!))
  })
  golden.ranges.forEach((range, i) => {
    const { size, sum, squares } = dump.ranges[i]!
    if (size === 0) return
    const spread = Math.sqrt(variance(range.sum, range.squares, size) * variance(sum, squares, size))
    dot = add(dot, widened(point((range.sum / size) * sum), spread))
  })
  const norms = Math.sqrt(golden.moments.squares * dump.moments.squares)
  return widened({ lo: dot.lo / norms, hi: dot.hi / norms }, 8 * ROUNDING)
}

const ZERO: Interval = { lo: 0, hi: 0 }

function point(value: number): Interval {
  return { lo: value, hi: value }
}

/** An upper bound of Σ(x − x̄)². */
function variance(sum: number, squares: number, size: number): number {
  return Math.max(0, squares - (sum / size) * sum) + 4 * ROUNDING * squares
}

function logitInterval(root: number, logSumExp: number): Interval {
  const logit = (half: number) => 2 * Math.log((root + half) * ROOT_STEP) + logSumExp
  return widened({ lo: logit(-0.5), hi: logit(0.5) }, ROUNDING * (1 + Math.abs(logSumExp)))
}
