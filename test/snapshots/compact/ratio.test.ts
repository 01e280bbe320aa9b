import { expect, test } from 'vitest'
import { dumpFacts } from '../../../src/snapshots/compact/dump-facts.js'
import {
  boundLogRatio,
  leastHellingerRatio,
  logRatioOfRise,
  mostHellingerRatio,
} from '../../../src/snapshots/compact/ratio.js'
import { summarise } from '../../../src/snapshots/compact/summarise.js'
import { CHANGES, languageRow, random } from './pairs.js'

/** h(p, q) / (√p − √q)² for ln(p/q) = x, as the series of both in x/2 for small x (they start with x²/2 and x²/4, at q = 1). */
function ratioAt(x: number): number {
  if (Math.abs(x) > 1e-3) return (Math.exp(x) * (x - 1) + 1) / (Math.exp(x / 2) - 1) ** 2
  return 2 + x / 3
}

test('the ratio of the divergence and the squared distance of roots lies within its bounds, near both', () => {
  for (let x = -200; x <= 300; x += 0.01) {
    const exact = ratioAt(x)
    expect(leastHellingerRatio(x), `x ${x}`).toBeLessThanOrEqual(exact)
    expect(mostHellingerRatio(x), `x ${x}`).toBeGreaterThanOrEqual(exact)
    if (Math.abs(x) < 60) expect(mostHellingerRatio(x) / leastHellingerRatio(x)).toBeLessThan(1.02)
  }
})

test('a root that rises by no more than so much has at most that ratio of probabilities', () => {
  for (const rise of [1e-8, 1e-3, 0.5]) {
    for (const logQ of [-0.1, -10, -100]) {
      const exact = 2 * Math.log(1 + rise / Math.exp(logQ / 2))
      expect(logRatioOfRise(rise, logQ)).toBeGreaterThanOrEqual(exact * (1 - 1e-12))
      expect(logRatioOfRise(rise, logQ)).toBeLessThan(exact * (1 + 1e-9) + 1e-9)
    }
  }
})

/** ln softmax */
function logProbs(row: Float32Array): Float64Array {
  const max = row.reduce((a, b) => Math.max(a, b))
  const log = Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0))
  return Float64Array.from(row, (x) => x - max - log)
}

test.each(Object.keys(CHANGES))('%s: ln(p/q) of every id of the tail lies within its bounds', (name) => {
  for (let seed = 1; seed <= 60; seed++) {
    const next = random(seed)
    const golden = languageRow(next, 20 + Math.floor(next() * 2000))
    const dump = golden.slice()
    CHANGES[name]!(dump, next)
    if (!dump.some((x) => x > Number.NEGATIVE_INFINITY)) continue
    const compact = summarise(golden, 1 + Math.floor(next() * 15))
    const bounds = boundLogRatio(compact, dumpFacts(compact, dump))
    const [p, q] = [logProbs(golden), logProbs(dump)]
    for (let id = 0; id < golden.length; id++) {
      if (compact.ids.includes(id) || p[id]! < -750 || q[id]! < -750) continue
      const x = p[id]! - q[id]!
      expect(bounds.lo, `seed ${seed}, id ${id}`).toBeLessThanOrEqual(x)
      expect(bounds.hi, `seed ${seed}, id ${id}`).toBeGreaterThanOrEqual(x)
    }
  }
})

test('between rows that are close, it is known to a few nats', () => {
  const next = random(7)
  const golden = languageRow(next, 50_000)
  const dump = golden.slice()
  CHANGES['rounded to bf16']!(dump, next)
  const compact = summarise(golden, 64)
  const { lo, hi } = boundLogRatio(compact, dumpFacts(compact, dump))
  expect(hi - lo).toBeLessThan(12)
})
