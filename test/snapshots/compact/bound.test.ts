import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareRows } from '../../../src/metrics/compare-rows.js'
import { boundCompact } from '../../../src/snapshots/compact/bound.js'
import { summarise } from '../../../src/snapshots/compact/summarise.js'
import { CHANGES, languageRow, random } from './pairs.js'

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
