import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareRows } from '../../../src/metrics/compare-rows.js'
import { boundCompact } from '../../../src/snapshots/compact/bound.js'
import { summarise } from '../../../src/snapshots/compact/summarise.js'
import { CHANGES, languageRow, normal, random } from './pairs.js'

/** Σgm / (‖g‖‖m‖) over the ids finite on both sides, as it is defined. */
function cosineOf(golden: Float32Array, dump: Float32Array): number {
  let [gm, gg, mm] = [0, 0, 0]
  golden.forEach((g, i) => {
    const m = dump[i]!
    if (!Number.isFinite(g) || !Number.isFinite(m)) return
    gm += g * m
    gg += g * g
    mm += m * m
  })
  if (gg === 0 || mm === 0) return gg === mm ? 1 : 0
  return Math.max(-1, Math.min(1, gm / Math.sqrt(gg) / Math.sqrt(mm)))
}

/** What lies outside its bounds, in words; '' where nothing does. */
function outside(golden: Float32Array, dump: Float32Array, k: number): string {
  const rows = compareRows(golden, dump, golden.length)
  if (rows.kind !== 'measured') return ''
  const bounds = boundCompact(summarise(golden, k), dump)
  const shared = golden.some((g, i) => Number.isFinite(g) && Number.isFinite(dump[i]))
  const exact = {
    klDivergence: rows.metrics.klDivergence,
    cosineSimilarity: shared ? cosineOf(golden, dump) : 0,
  }
  const wrong = (['klDivergence', 'cosineSimilarity'] as const).filter((name) => {
    const { lo, hi } = bounds[name]
    return !(lo <= exact[name] && exact[name] <= hi)
  })
  return wrong.map((name) => `${name} ${exact[name]} not in [${bounds[name].lo}, ${bounds[name].hi}]`).join('; ')
}

/** A long run: BOUND_PAIRS=1000000 npx vitest run test/snapshots/compact/bound.test.ts, with BOUND_SEED to repeat one. */
const LONG = process.env.BOUND_PAIRS !== undefined
const PAIRS = Number(process.env.BOUND_PAIRS ?? 10_692)
const SEED = Number(process.env.BOUND_SEED ?? (LONG ? Date.now() % 1_000_000 : 1))

const FIRST = [
  'identical',
  'the last ones suppressed',
  'some suppressed',
  'some at the lowest number',
  'most at the lowest number',
  'rounded to bf16',
  'flat',
  'spread by 300',
  'tail permuted',
]
const ROUNDS = Math.ceil(PAIRS / FIRST.length / Object.keys(CHANGES).length)
if (LONG) console.log(`bounds of ${ROUNDS * FIRST.length * Object.keys(CHANGES).length} pairs, seed ${SEED}`)

test.each(Object.keys(CHANGES))('%s: the exact metrics lie within the bounds', { timeout: 86_400_000 }, (name) => {
  for (const before of FIRST) {
    for (let round = 0; round < ROUNDS; round++) {
      const seed = (SEED * 1_000_003 + round) * 7919
      const next = random(seed)
      const count = round % 3 === 0 ? 1 + Math.floor(next() * 12) : 1 + Math.floor(next() * 400)
      const golden = languageRow(next, count)
      CHANGES[before]!(golden, next)
      const dump = golden.slice()
      CHANGES[name]!(dump, next)
      const k = 1 + Math.floor(next() * 80)
      expect(outside(golden, dump, k), `${before}, then ${name}, seed ${seed}, count ${count}, k ${k}`).toBe('')
    }
  }
})

test.each(Object.keys(CHANGES))('%s: the same with a vocabulary of 151,936', (name) => {
  const next = random(SEED)
  const golden = languageRow(next, 151_936)
  const dump = golden.slice()
  CHANGES[name]!(dump, next)
  expect(outside(golden, dump, 256)).toBe('')
})

test('any two rows of any logits: the exact metrics lie within the bounds', () => {
  const logit = fc.oneof(
    { weight: 8, arbitrary: fc.float({ min: -50, max: 50, noNaN: true }) },
    { weight: 1, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
    { weight: 1, arbitrary: fc.constant(Number.NEGATIVE_INFINITY) },
  )
  const rows = fc.array(fc.tuple(logit, logit, fc.boolean()), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 45 }), (pairs, k) => {
      const golden = Float32Array.from(pairs.map(([g]) => g))
      const dump = Float32Array.from(pairs.map(([g, m, same]) => (same ? g : m)))
      expect(outside(golden, dump, k)).toBe('')
    }),
    { numRuns: LONG ? PAIRS : 10_000, ...(LONG && { seed: SEED }) },
  )
})

test.each([1e6, 1e30, -1e30])(
  'logits near %d, where float64 cannot hold sums of them with their probabilities',
  (size) => {
    for (const k of [1, 3, 40]) {
      const golden = new Float32Array(50).fill(size)
      const dump = golden.slice()
      dump[3] = Math.fround(size * (1 - Math.sign(size) * 2 ** -23))
      expect(outside(golden, golden, k)).toBe('')
      expect(outside(golden, dump, k)).toBe('')
      expect(outside(dump, golden, k)).toBe('')
    }
  },
)

describe('suppressed logits that are finite', () => {
  /** A row whose last ids are suppressed: by −Inf at every seventh of them, by `fill` at the others. */
  function masked(seed: number, fill: (id: number) => number, noise = 0): Float32Array {
    const [next, other] = [random(seed), random(seed + 1)]
    const row = languageRow(next, 3000)
    return row.map((x, i) => {
      if (i < 2700) return x + noise * normal(other)
      return i % 7 === 0 ? Number.NEGATIVE_INFINITY : fill(i)
    })
  }

  test.each([-1e4, -1e9, -65504, -3.4028234663852886e38])(
    'filled with %d, the cosine similarity is decided',
    (fill) => {
      const [golden, dump] = [masked(1, () => fill), masked(1, () => fill, 0.001)]
      const { cosineSimilarity } = boundCompact(summarise(golden, 256), dump)
      expect(cosineSimilarity.lo).toBeGreaterThan(0.99999)
      expect(cosineSimilarity.lo).toBeLessThanOrEqual(cosineOf(golden, dump))
      expect(cosineSimilarity.hi).toBeGreaterThanOrEqual(cosineOf(golden, dump))
    },
  )

  test('filled with other constants on both sides: exact, as the products with a constant are known', () => {
    const [golden, dump] = [masked(2, () => -1e4), masked(2, (id) => (id % 2 ? -2e4 : -1e4))]
    const { lo, hi } = boundCompact(summarise(golden, 256), dump).cosineSimilarity
    const exact = cosineOf(golden, dump)
    expect(exact).toBeLessThan(0.96)
    expect([lo, hi].map((x) => Math.abs(x - exact) < 1e-5)).toEqual([true, true])
  })

  test('one side with −Inf alone: the fill of the other has no part in the cosine similarity', () => {
    const infinite = masked(3, () => Number.NEGATIVE_INFINITY)
    const filled = masked(3, () => -1e4, 0.001)
    for (const [golden, dump] of [
      [infinite, filled],
      [filled, infinite],
    ] as const) {
      const { lo, hi } = boundCompact(summarise(golden, 256), dump).cosineSimilarity
      expect(lo).toBeGreaterThan(0.99999)
      expect(lo).toBeLessThanOrEqual(cosineOf(golden, dump))
      expect(hi).toBeGreaterThanOrEqual(cosineOf(golden, dump))
    }
  })

  test('−Inf at other ids than in the golden: not decided', () => {
    const golden = masked(4, () => -1e4)
    const dump = golden.slice()
    dump[2701] = Number.NEGATIVE_INFINITY
    expect(boundCompact(summarise(golden, 256), dump).cosineSimilarity).toEqual({ lo: -1, hi: 1 })
  })

  test('in format 1, which did not store them: decided only if the dump has none', () => {
    const [golden, dump] = [masked(5, () => -1e4), masked(5, () => -1e4, 0.001)]
    const { fill, ...old } = summarise(golden, 256)
    expect(fill).toMatchObject({ min: -1e4, max: -1e4 })
    expect(boundCompact(old, dump).cosineSimilarity).toEqual({ lo: -1, hi: 1 })
    const infinite = masked(5, () => Number.NEGATIVE_INFINITY)
    expect(boundCompact(old, infinite).cosineSimilarity.lo).toBeGreaterThan(0.99999)
  })
})

test('a fill of any numbers: the exact metrics lie within the bounds', () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const next = random(seed)
    const [size, spread] = [10 ** (4 + 30 * next()), next() ** 4]
    const golden = languageRow(next, 2 + Math.floor(next() * 300))
    const fill = () => (next() < 0.1 ? Number.NEGATIVE_INFINITY : -size * (1 + spread * next()))
    const share = next()
    const ids = [...golden.keys()].filter(() => next() < share)
    for (const id of ids) golden[id] = fill()
    const dump = golden.map((x) => x + 0.01 * normal(next))
    const same = next() < 0.7
    for (const id of ids) if (golden[id]! > -Infinity || !same) dump[id] = fill()
    if (same) for (const id of ids) if (dump[id] === -Infinity || golden[id] === -Infinity) dump[id] = golden[id]!
    expect(outside(golden, dump, 1 + Math.floor(next() * 40)), `seed ${seed}`).toBe('')
  }
})
