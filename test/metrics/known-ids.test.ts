import { expect, test } from 'vitest'
import { type KnownIds, knownBounds } from '../../src/metrics/known-ids.js'
import { klBounds, logProbsOf } from '../../src/metrics/log-probs.js'
import { normal as gauss, random } from '../snapshots/compact/pairs.js'

const WIDTH = 1500

function logSoftmax(logits: Float64Array): Float64Array {
  const max = logits.reduce((most, logit) => Math.max(most, logit))
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - max), 0)
  return logits.map((logit) => logit - max - Math.log(sum))
}

/** What a fault does to a row of logits. */
const FAULTS: Readonly<Record<string, (logits: Float64Array, next: () => number) => Float64Array>> = {
  none: (logits) => logits.slice(),
  noise: (logits, next) => logits.map((logit) => logit + 0.02 * gauss(next)),
  'large noise': (logits, next) => logits.map((logit) => logit + 2 * gauss(next)),
  'one id in the tail': (logits, next) => {
    const row = logits.slice()
    row[Math.floor(next() * WIDTH)]! += 4
    return row
  },
  'ids of the tail shifted': (logits) => logits.map((logit, id) => (id >= WIDTH / 2 ? logit + 0.7 : logit)),
  'the other half': (logits) => logits.map((_, id) => logits[(id + WIDTH / 2) % WIDTH]!),
  'a mask': (logits) => logits.map((logit, id) => (id % 3 === 0 ? Number.NEGATIVE_INFINITY : logit)),
  'all on one id': (logits) => logits.map((logit, id) => (id === 17 ? 40 : logit)),
}

/** As many of the most probable ids, and ids spread over the vocabulary. */
function listed(logs: Float64Array, count: number, spread: number, digits?: number): KnownIds {
  const ranked = [...logs.keys()].sort((a, b) => logs[b]! - logs[a]!)
  const top = ranked.slice(0, count)
  const fixed = Array.from({ length: spread }, (_, i) => Math.floor((i * WIDTH) / spread))
  const ids = Int32Array.from(new Set([...top, ...fixed])).sort()
  const unit = digits === undefined ? 0 : 10 ** -digits
  const rounded = (log: number) => (unit === 0 || !Number.isFinite(log) ? log : Math.round(log / unit) * unit)
  const values = Float64Array.from(ids, (id) => rounded(logs[id]!))
  const cap = count === 0 ? 0 : count >= WIDTH ? Number.NEGATIVE_INFINITY : rounded(logs[top.at(-1)!]!)
  return { ids, logs: values, error: unit / 2, hasTop: count > 0, cap }
}

function exact(p: Float64Array, q: Float64Array) {
  let [kl, tv, js] = [0, 0, 0]
  for (let i = 0; i < p.length; i++) {
    const [a, b] = [Math.exp(p[i]!), Math.exp(q[i]!)]
    const m = (a + b) / 2
    if (a > 0) kl += a * (p[i]! - q[i]!)
    tv += Math.abs(a - b) / 2
    js += ((a > 0 ? a * Math.log(a / m) : 0) + (b > 0 ? b * Math.log(b / m) : 0)) / 2
  }
  return { kl, tv, js }
}

test('bounds hold the exact divergences for any ids of each side', () => {
  const next = random(20261129)
  const counts = [0, 1, 5, 20, 128, 256, 1000, WIDTH]
  let [pairs, decided] = [0, 0]
  for (let round = 0; round < 160; round++) {
    const spread = [0.5, 3, 8, 20][round % 4]!
    const logits = Float64Array.from({ length: WIDTH }, () => spread * gauss(next))
    for (const fault of Object.values(FAULTS)) {
      const golden = logSoftmax(logits)
      const dump = logSoftmax(fault(logits, next))
      const { kl, tv, js } = exact(golden, dump)
      const pick = () => counts[Math.floor(next() * counts.length)]!
      const digits = next() < 0.3 ? 3 : undefined
      const [g, d] = [
        listed(golden, pick(), round % 2 ? 64 : 0, digits),
        listed(dump, pick(), round % 2 ? 64 : 0, digits),
      ]
      const { klDivergence, totalVariation, jensenShannon } = knownBounds(g, d)
      const slack = 1e-10 * (1 + (Number.isFinite(kl) ? kl : 0))
      expect(klDivergence.lo).toBeLessThanOrEqual(kl + slack)
      expect(klDivergence.hi).toBe(Number.POSITIVE_INFINITY)
      expect(totalVariation.lo).toBeLessThanOrEqual(tv + slack)
      expect(totalVariation.hi).toBeGreaterThanOrEqual(tv - slack)
      expect(jensenShannon.lo).toBeLessThanOrEqual(js + slack)
      expect(jensenShannon.hi).toBeGreaterThanOrEqual(js - slack)
      pairs++
      if (klDivergence.lo > kl / 2 && kl > 1e-6) decided++
    }
  }
  expect(pairs).toBe(1280)
  // The bounds are worth something: of every fourth pair at least half of the divergence is seen.
  expect(decided).toBeGreaterThan(pairs / 4)
})

test('all ids on both sides: the bounds are the values', () => {
  const next = random(7)
  const logits = Float64Array.from({ length: WIDTH }, () => 4 * gauss(next))
  const [golden, dump] = [logSoftmax(logits), logSoftmax(FAULTS.noise!(logits, next))]
  const { kl, tv, js } = exact(golden, dump)
  const bounds = knownBounds(listed(golden, WIDTH, 0), listed(dump, WIDTH, 0))
  expect(bounds.klDivergence.lo).toBeCloseTo(kl, 8)
  expect(bounds.totalVariation.lo).toBeCloseTo(tv, 8)
  expect(bounds.totalVariation.hi).toBeCloseTo(tv, 8)
  expect(bounds.jensenShannon.lo).toBeCloseTo(js, 8)
  expect(bounds.jensenShannon.hi).toBeCloseTo(js, 8)
})

test('an id that the golden prefers and the dump does not list counts, though its value is not known', () => {
  const known = (entries: [number, number][], cap: number): KnownIds => ({
    ids: Int32Array.from(entries, ([id]) => id),
    logs: Float64Array.from(entries, ([, p]) => Math.log(p)),
    error: 0,
    hasTop: true,
    cap: Math.log(cap),
  })
  const golden = known([[1, 0.9]], 0.1)
  const dump = known([[2, 0.9]], 0.01)
  const { klDivergence, totalVariation } = knownBounds(golden, dump)
  // p1 = 0.9 against at most 0.01, p2 at most 0.1 against 0.9: h(p, q) = p ln(p/q) − p + q of each.
  const least = 0.9 * Math.log(90) - 0.89 + (0.1 * Math.log(0.1 / 0.9) + 0.8)
  expect(klDivergence.lo).toBeCloseTo(least, 6)
  expect(totalVariation.lo).toBeCloseTo((0.89 + 0.8) / 2, 6)
  // The same ids: nothing is certain but the rest.
  expect(knownBounds(golden, golden).klDivergence.lo).toBe(0)
})

test('an id without probability in the dump: KL divergence is infinite', () => {
  const ids = Int32Array.of(1, 2)
  const golden = { ids, logs: Float64Array.of(Math.log(0.5), Math.log(0.5)), error: 0, hasTop: true, cap: -30 }
  const dump = { ...golden, logs: Float64Array.of(0, Number.NEGATIVE_INFINITY) }
  expect(knownBounds(golden, dump).klDivergence.lo).toBe(Number.POSITIVE_INFINITY)
  expect(knownBounds(dump, golden).klDivergence.lo).toBeCloseTo(Math.LN2, 9)
  // Its lowest value says so of all ids that it does not list.
  const rest = listOf({ 1: 0 }, 2e-6, Number.NEGATIVE_INFINITY)
  expect(knownBounds(golden, rest).klDivergence.lo).toBe(Number.POSITIVE_INFINITY)
  expect(knownBounds(rest, golden).klDivergence.lo).toBeCloseTo(Math.LN2, 4)
})

/** What a side lists, of which each value may be off by `error`. */
function listOf(logs: Readonly<Record<number, number>>, error: number, cap = 0): KnownIds {
  const ids = Int32Array.from(Object.keys(logs), Number)
  return { ids, logs: Float64Array.from(Object.values(logs)), error, hasTop: true, cap }
}

test('an id that the dump may have at e^-2000 at most: KL divergence is large, not infinite', () => {
  const golden = listOf({ 0: Math.log(0.5), 1: Math.log(0.5) }, 0)
  const { klDivergence } = knownBounds(golden, listOf({ 0: 0 }, 2e-6, -2000))
  // 0.5·ln(0.5/1) + 0.5·(ln 0.5 + 2000)
  const exact = 1000 - Math.LN2
  expect(klDivergence.lo).toBeLessThanOrEqual(exact)
  expect(klDivergence.lo).toBeGreaterThan(exact - 0.01)
  // The other way round it is all about q: h(0, 0.5) = 0.5 of the id that the golden has not, and 1·ln(1/0.5).
  const reverse = knownBounds(listOf({ 0: 0 }, 2e-6, -2000), golden).klDivergence.lo
  expect(reverse).toBeLessThanOrEqual(Math.LN2)
  expect(reverse).toBeGreaterThan(Math.LN2 - 1e-4)
})

test('bounds hold if all values of a side are rounded the same way, by as much as they may be', () => {
  const error = 0.05
  for (const [a, b] of [
    [0.99, 0.98],
    [0.9999, 0.9998],
    [0.6, 0.02],
    [0.97, 1e-6],
    [0.5, 0.5],
  ] as const) {
    const golden = Float64Array.of(Math.log(a), Math.log(1 - a))
    const dump = Float64Array.of(Math.log(b), Math.log(1 - b))
    const { kl, tv, js } = exact(golden, dump)
    const whole = listOf({ ...golden }, 1e-12, Number.NEGATIVE_INFINITY)
    for (const up of [-error, error]) {
      const one = listOf({ 0: dump[0]! + up }, error)
      const both = listOf({ 0: dump[0]! + up, 1: dump[1]! + up }, error)
      const first = listOf({ 0: golden[0]! - up }, error)
      for (const [g, d] of [
        [whole, one],
        [whole, both],
        [first, one],
        [first, both],
      ] as const) {
        const { klDivergence, totalVariation, jensenShannon } = knownBounds(g, d)
        const text = `${a} and ${b} rounded by ${up}`
        expect(klDivergence.lo, text).toBeLessThanOrEqual(kl + 1e-12)
        expect(totalVariation.lo, text).toBeLessThanOrEqual(tv + 1e-12)
        expect(totalVariation.hi, text).toBeGreaterThanOrEqual(tv - 1e-12)
        expect(jensenShannon.lo, text).toBeLessThanOrEqual(js + 1e-12)
        expect(jensenShannon.hi, text).toBeGreaterThanOrEqual(js - 1e-12)
      }
    }
  }
})

test('log-probabilities of thousands, which float32 rounds by more than its error elsewhere', () => {
  const golden = Float64Array.of(Math.log(0.7), Math.log(0.3))
  const whole = listOf({ ...golden }, 1e-12, Number.NEGATIVE_INFINITY)
  // Halfway between two float32 numbers, and rounded away from 0.
  const log = -(4097 + 2 ** -12)
  const stored = -(4097 + 2 ** -11)
  expect([Math.fround(stored), Math.abs(Math.fround(log) - log)]).toEqual([stored, 2 ** -12])
  const kl = 0.7 * (golden[0]! - log) + 0.3 * golden[1]!
  const { lo } = knownBounds(whole, listOf({ 0: stored, 1: 0 }, 2e-6)).klDivergence
  expect(lo).toBeLessThanOrEqual(kl)
  expect(lo).toBeGreaterThan(kl - 0.01)
  const probs = (logs: Float64Array) => logs.map(Math.exp)
  const facts = { error: 2e-6, topError: 2e-6, floor: Number.NEGATIVE_INFINITY }
  const dump = Float64Array.of(stored, 0)
  const bounds = klBounds(logProbsOf(golden), { logs: dump, probs: probs(dump), ...facts })
  expect(bounds.lo).toBeLessThanOrEqual(kl)
  expect(bounds.hi).toBeGreaterThanOrEqual(kl)
})
