import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KldSource } from '../../src/measure/from-kld.js'
import { klBounds, type LogProbs, logProbsOf } from '../../src/metrics/log-probs.js'
import { kldBytes } from '../build/kld.js'
import { writeTree } from '../build/tree.js'
import { random } from '../snapshots/compact/pairs.js'

const PAIRS = Number(process.env.BOUND_PAIRS ?? 400)

/** KL(golden ‖ dump) in float64, by its definition. */
function exactKl(golden: Float32Array, dump: Float32Array): number {
  const logs = (row: Float32Array) => {
    const max = Math.max(...row)
    const sum = row.reduce((total, logit) => total + Math.exp(logit - max), 0)
    return Float64Array.from(row, (logit) => logit - max - Math.log(sum))
  }
  const d = logs(dump)
  return logs(golden).reduce((kl, a, i) => kl + Math.exp(a) * (a - d[i]!), 0)
}

const file = join(writeTree({ 'a.kld': new Uint8Array(1) }), 'a.kld')

function stored(logits: Float32Array): LogProbs {
  writeFileSync(file, kldBytes({ contextLength: 3, tokens: [0, 1, 1], rows: [logits] }))
  const source = new KldSource({})
  const prepared = source.prepare({ step: 0, files: [file], layer: '', position: 0 })
  if (prepared.kind !== 'log-probs') throw new Error(prepared.kind)
  const row = prepared.read()
  source.releaseFiles()
  return row
}

test(`the bounds of ${PAIRS} pairs of rows as llama.cpp stores them hold the exact KL divergence`, () => {
  const next = random(21)
  const wide = { lo: 0, hi: 0, tight: 0 }
  for (let n = 0; n < PAIRS; n++) {
    const width = 2 + Math.floor(next() * 300)
    const [spread, noise] = [10 ** (next() * 3 - 1), 10 ** (next() * 5 - 5)]
    const golden = Float32Array.from({ length: width }, () => spread * (next() + next() + next() - 1.5))
    // Nothing moves by more than 1 nat, which the upper bound assumes of ids at the floor.
    const dump = golden.map((logit) => logit + Math.min(0.5, noise) * (2 * next() - 1))
    const exact = exactKl(golden, dump)
    const [g, d] = [stored(golden), stored(dump)]
    for (const { lo, hi, estimate } of [
      klBounds(g, d),
      klBounds(logProbsOf(golden), d),
      klBounds(g, logProbsOf(dump)),
    ]) {
      const text = `pair ${n}: ${exact} in [${lo}, ${hi}]`
      expect(lo, text).toBeLessThanOrEqual(exact + 1e-13)
      expect(hi, text).toBeGreaterThanOrEqual(exact - 1e-13)
      expect(estimate >= lo && estimate <= hi, text).toBe(true)
      if (hi - lo < 0.2 * exact) wide.tight++
    }
  }
  // They are worth something, too.
  expect(wide.tight).toBeGreaterThan(PAIRS)
})

test('of a dump that rules out what the golden holds, KL is infinite; ids below the floor do not count for less', () => {
  const golden = Float32Array.of(0, 1, 2)
  const masked = Float32Array.of(0, Number.NEGATIVE_INFINITY, 2)
  expect(klBounds(stored(golden), logProbsOf(masked))).toMatchObject({ lo: Number.POSITIVE_INFINITY })
  const low = Float32Array.of(0, 1, -40)
  const gone = Float32Array.of(0, 1, Number.NEGATIVE_INFINITY)
  expect(klBounds(stored(low), logProbsOf(gone))).toMatchObject({ hi: Number.POSITIVE_INFINITY, atFloor: 1 })
  expect(klBounds(stored(low), logProbsOf(gone)).lo).toBeLessThan(1e-9)
})

test('exact rows that are the same have exactly no divergence', () => {
  const row = logProbsOf(Float32Array.of(3, -2, 0.5))
  expect(klBounds(row, row)).toMatchObject({ lo: 0, estimate: 0, atFloor: 0 })
  expect(klBounds(row, row).hi).toBeLessThan(1e-11)
})
