import { type LogProbs, ROUNDING, shareOfError } from './log-probs.js'
import type { Interval } from './types.js'

/** A distribution of which some ids are known: ln p of id `ids[i]` lies within `error` of `logs[i]`. */
export interface KnownIds {
  /** Ascending, none twice. */
  readonly ids: Int32Array
  readonly logs: Float64Array
  readonly error: number
  /** The most probable id is among them. */
  readonly hasTop: boolean
  /** ln p of every other id is at most this. */
  readonly cap: number
}

/** What two distributions, each known in part, say of each other. */
interface KnownBounds {
  /** Nothing bounds it from above: one unknown id without probability in the dump is enough. */
  readonly klDivergence: Interval
  /** In [0, 1]. */
  readonly totalVariation: Interval
  /** In nats, in [0, ln 2]. */
  readonly jensenShannon: Interval
  /** The sum of p·ln(p/q) over the ids that both sides know. */
  readonly knownKl: number
  /** Ids that both sides know, and the golden's probability on all others. */
  readonly known: number
  readonly goldenRest: number
}

/** The ids of a whole row above its floor: those at the floor may have any lower probability. */
export function knownOf({ logs, error, floor }: LogProbs): KnownIds {
  const all = Int32Array.from(logs.keys())
  const ids = floor === Number.NEGATIVE_INFINITY ? all : all.filter((id) => logs[id]! > floor)
  return { ids, logs: Float64Array.from(ids, (id) => logs[id]!), error, hasTop: true, cap: floor }
}

/**
 * Bounds of the divergences of two distributions from the ids that they list. An id that one side lists, far above all that the
 * other may have left out, counts by itself; all other ids are taken together, as one: by the data processing inequality no
 * divergence grows by that, so that what is left is a lower bound of each. Total variation and Jensen-Shannon divergence are
 * highest if the rest of each side lies where the other has none.
 */
export function knownBounds(golden: KnownIds, dump: KnownIds): KnownBounds {
  const { both, one } = sumsOf(golden, dump)
  const [g, d] = [golden.error, dump.error]
  const [p, q] = [restOf(golden, both.p), restOf(dump, both.q)]
  // Without the ids that one side lists: their probability on the other side lies between 0 and its cap.
  const pLeft = {
    lo: Math.max(0, p.lo - one.golden.p * Math.exp(2 * g) - one.dump.most),
    hi: Math.max(ROUNDING, p.hi - one.golden.p),
  }
  const qLeft = {
    lo: Math.max(0, q.lo - one.dump.p * Math.exp(2 * d) - one.golden.most),
    hi: Math.max(ROUNDING, q.hi - one.dump.p),
  }
  // KL = Σ h with h(p, q) = p·ln(p/q) − p + q ≥ 0, the rest included: errors of the known ids count only as far as they differ.
  const second = ((both.linear + both.p) * g * g + 2 * both.p * g * d + both.q * d * d) / 2
  const rounded = ROUNDING * (1 + both.h) + shareOfError(g, d) * (both.linear + 2 * (one.golden.h + one.dump.h))
  const klSlack = (g * both.linear + d * both.distance + second) * Math.exp(2 * (g + d)) + rounded
  const leastKl = both.h - klSlack + one.golden.h + one.dump.h + least(hOf, pLeft, qLeft)
  const isInfinite = both.isInfinite || one.golden.h === Number.POSITIVE_INFINITY
  const slack = Math.expm1(g) * both.p + Math.expm1(d) * both.q + ROUNDING
  // The derivatives of a term by ln p and ln q, and how far these change within the errors.
  const turned = g * both.jsByP + d * both.jsByQ + ((g + d) * (g * both.p + d * both.q)) / 2
  const jsSlack = turned * Math.exp(g + d) + ROUNDING
  const apart = Math.max(gapOf(p, q), one.golden.gap + one.dump.gap + gapOf(pLeft, qLeft))
  return {
    klDivergence: {
      lo: isInfinite ? Number.POSITIVE_INFINITY : Math.max(0, leastKl),
      hi: Number.POSITIVE_INFINITY,
    },
    totalVariation: {
      lo: Math.max(0, (both.distance - slack + apart) / 2),
      hi: Math.min(1, (both.distance + slack + p.hi + q.hi) / 2),
    },
    jensenShannon: {
      lo: Math.max(0, both.js - jsSlack + least(jsTerm, p, q)),
      hi: Math.min(Math.LN2, both.js + jsSlack + ((p.hi + q.hi) / 2) * Math.LN2),
    },
    knownKl: both.kl,
    known: both.known,
    goldenRest: Math.max(0, 1 - both.p),
  }
}

/** Sums over the ids that both sides list. */
const NO_SUMS = {
  known: 0,
  p: 0,
  q: 0,
  kl: 0,
  h: 0,
  /** Σ|p·ln(p/q)| and Σ|p − q| */
  linear: 0,
  distance: 0,
  /** Σ (p·ln(p/m) + q·ln(q/m)) / 2 with m = (p + q) / 2, Σ|p·ln(p/m)| / 2 and Σ|q·ln(q/m)| / 2 */
  js: 0,
  jsByP: 0,
  jsByQ: 0,
  /** The dump rules out an id that has probability in the golden. */
  isInfinite: false,
}

type Sums = typeof NO_SUMS

/** Sums over the ids that one side alone lists, with more probability than the other's cap. */
interface OneSided {
  /** At least this much is on them on this side, at most this much on the other. */
  p: number
  most: number
  /** At least Σh, and at least Σ|p − q|. */
  h: number
  gap: number
}

function sumsOf(golden: KnownIds, dump: KnownIds): { both: Sums; one: { golden: OneSided; dump: OneSided } } {
  const both = { ...NO_SUMS }
  const one = { golden: { p: 0, most: 0, h: 0, gap: 0 }, dump: { p: 0, most: 0, h: 0, gap: 0 } }
  const { ids: gIds, logs: gLogs } = golden
  const { ids: dIds, logs: dLogs } = dump
  const [goldenCap, dumpCap] = [capOf(golden), capOf(dump)]
  for (let i = 0, k = 0; i < gIds.length || k < dIds.length; ) {
    const a = gIds[i] ?? Number.POSITIVE_INFINITY
    const b = dIds[k] ?? Number.POSITIVE_INFINITY
    if (a === b) add(both, gLogs[i++]!, dLogs[k++]!)
    else if (a < b) addGolden(one.golden, gLogs[i++]! - golden.error, dumpCap)
    else addDump(one.dump, dLogs[k++]! - dump.error, goldenCap)
  }
  return { both, one }
}

/** The most that an id may have that is not listed: ln p, and p, which is 0 where float64 cannot hold it. */
interface Cap {
  readonly log: number
  readonly p: number
}

function capOf({ cap, error }: KnownIds): Cap {
  return { log: cap + error, p: Math.exp(cap + error) }
}

/** @param log the least ln p that the golden may have of an id that the dump does not list */
function addGolden(sums: OneSided, log: number, cap: Cap): void {
  if (log <= cap.log) return
  const p = Math.exp(log)
  // Of the logarithms, as the cap may be less than float64 holds: an infinite divergence takes a probability of 0.
  addOne(sums, p, cap.p, p === 0 ? 0 : p * (log - cap.log) - p + cap.p)
}

/** @param log the least ln q that the dump may have of an id that the golden does not list */
function addDump(sums: OneSided, log: number, cap: Cap): void {
  if (log <= cap.log) return
  const q = Math.exp(log)
  addOne(sums, q, cap.p, cap.p === 0 ? q : cap.p * (cap.log - log) - cap.p + q)
}

function addOne(sums: OneSided, p: number, cap: number, h: number): void {
  sums.p += p
  sums.most += cap
  sums.h += h
  sums.gap += p - cap
}

function add(sums: Sums, logP: number, logQ: number): void {
  const [p, q] = [Math.exp(logP), Math.exp(logQ)]
  sums.known++
  sums.p += p
  sums.q += q
  sums.distance += Math.abs(p - q)
  const m = (p + q) / 2
  const [byP, byQ] = [plogp(p, m) / 2, plogp(q, m) / 2]
  sums.js += byP + byQ
  sums.jsByP += Math.abs(byP)
  sums.jsByQ += Math.abs(byQ)
  if (p === 0) sums.h += q
  else if (logQ === Number.NEGATIVE_INFINITY) sums.isInfinite = true
  else {
    const term = p * (logP - logQ)
    sums.kl += term
    sums.linear += Math.abs(term)
    sums.h += term - p + q
  }
}

function jsTerm(p: number, q: number): number {
  const m = (p + q) / 2
  return (plogp(p, m) + plogp(q, m)) / 2
}

function plogp(p: number, m: number): number {
  return p === 0 ? 0 : p * Math.log(p / m)
}

/** How much probability the other ids have, if those that both sides list have `sum`. Never 0 for certain: sums are rounded. */
function restOf({ error, ids }: KnownIds, sum: number): Interval {
  const slack = sum * Math.expm1(error) + ROUNDING * ids.length
  return { lo: Math.max(0, 1 - sum - slack), hi: Math.max(slack, 1 - sum + slack) }
}

/** The least value, for a pair out of two intervals, of a function that falls as its arguments come closer: 0 if they may be equal. */
function least(of: (p: number, q: number) => number, p: Interval, q: Interval): number {
  if (p.hi >= q.lo && q.hi >= p.lo) return 0
  return p.lo > q.hi ? of(p.lo, q.hi) : of(p.hi, q.lo)
}

function hOf(p: number, q: number): number {
  if (p === 0) return q
  return q === 0 ? Number.POSITIVE_INFINITY : p * Math.log(p / q) - p + q
}

function gapOf(p: Interval, q: Interval): number {
  return Math.max(0, p.lo - q.hi, q.lo - p.hi)
}
