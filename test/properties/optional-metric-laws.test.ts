import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareRows } from '../../src/metrics/compare-rows.js'
import { RowPair } from '../../src/metrics/optional/row-pair.js'
import { metricsOfRows, OPTIONAL, type OptionalKey } from '../../src/metrics/optional/table.js'

const KEYS = OPTIONAL.filter(({ ofRows }) => ofRows).map(({ key }) => key)
/** What a pair of identical rows has. */
const BEST: Readonly<Partial<Record<OptionalKey, number>>> = { top10Overlap: 1, top10Order: 1, goldenTop1Rank: 1 }

type Values = Record<OptionalKey, number>

function metricsOf(golden: Float32Array, dump: Float32Array): Values {
  const rows = compareRows(golden, dump, golden.length)
  if (rows.kind !== 'measured') throw new Error(rows.kind)
  return metricsOfRows(KEYS, new RowPair(golden, dump, rows)) as Values
}

function klOf(golden: Float32Array, dump: Float32Array): number {
  const rows = compareRows(golden, dump, golden.length)
  if (rows.kind !== 'measured') throw new Error(rows.kind)
  return rows.metrics.klDivergence
}

const ordinary = fc.float({ min: -50, max: 50, noNaN: true })
const masked = fc.oneof(
  { weight: 6, arbitrary: ordinary },
  { weight: 1, arbitrary: fc.constantFrom(Number.NEGATIVE_INFINITY, -1e9, Math.fround(-3e38)) },
)
/** Logits that every shift by a whole number leaves exact. */
const whole = fc.integer({ min: -1000, max: 1000 })

function pairs(logit: fc.Arbitrary<number>, least = 1): fc.Arbitrary<[Float32Array, Float32Array]> {
  return fc.integer({ min: least, max: 40 }).chain((count) => {
    const row = fc.array(logit, { minLength: count, maxLength: count }).map((values) => Float32Array.from(values))
    return fc.tuple(row, row)
  })
}

const hasLogit = (row: Float32Array) => row.some(Number.isFinite)
const RUNS = { numRuns: 500 }

/** Both within what rounding of sums of some 40 terms may change. */
function expectClose(a: number, b: number): void {
  if (!Number.isFinite(b)) expect(a).toBe(b)
  else expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-14 + 1e-9 * Math.abs(b))
}

test('identity: a row and itself have the best value of each, exactly', () => {
  fc.assert(
    fc.property(pairs(masked), ([row]) => {
      fc.pre(hasLogit(row))
      const metrics = metricsOf(row, row)
      for (const key of KEYS) expect(metrics[key], key).toBe(BEST[key] ?? 0)
    }),
    RUNS,
  )
})

test('shift invariance: a constant on all logits of a row changes no distance of probabilities', () => {
  fc.assert(
    fc.property(pairs(whole), whole, ([golden, dump], shift) => {
      const moved = dump.map((logit) => logit + shift)
      const { l1Norm: _, ...before } = metricsOf(golden, dump)
      const { l1Norm: __, ...after } = metricsOf(golden, moved)
      for (const [key, value] of Object.entries(before)) expectClose(after[key as keyof typeof after], value)
      const itself = metricsOf(
        golden,
        golden.map((logit) => logit + shift),
      )
      expect(itself.totalVariation).toBe(0)
      expect(itself.jensenShannonDivergence).toBe(0)
      expect(itself.reverseKlDivergence).toBe(0)
      expect(itself.goldenTop1DeltaP).toBe(0)
    }),
    RUNS,
  )
})

test('symmetry: JS, TV and the overlap are the same both ways; reverse KL is KL the other way', () => {
  fc.assert(
    fc.property(pairs(masked), ([golden, dump]) => {
      fc.pre(hasLogit(golden) && hasLogit(dump))
      const [there, back] = [metricsOf(golden, dump), metricsOf(dump, golden)]
      expectClose(there.jensenShannonDivergence, back.jensenShannonDivergence)
      expectClose(there.totalVariation, back.totalVariation)
      expect(there.top10Overlap).toBe(back.top10Overlap)
      expect(there.top10Order).toBe(back.top10Order)
      expect(there.reverseKlDivergence).toBe(klOf(dump, golden))
      // Σ|m|/Σ|g| and Σ|g|/Σ|m|, unless one is so small that 1 + it cancels.
      if (Math.min(there.l1Norm, back.l1Norm) > -0.9) {
        expect((1 + there.l1Norm) * (1 + back.l1Norm)).toBeCloseTo(1, 12)
      }
    }),
    RUNS,
  )
})

test('masks of -3e38 cost no digits of the ids beside them', () => {
  const golden = Float32Array.of(0, 0, -6e-9)
  const dump = Float32Array.of(-3e38, Number.NEGATIVE_INFINITY, -3e38)
  // q is 1/2, 0, 1/2: TV is the golden's probability of id 1, 1 / (2 + exp(-6e-9)).
  const probability = 1 / (2 + Math.exp(golden[2]!))
  for (const metrics of [metricsOf(golden, dump), metricsOf(dump, golden)]) {
    expect(Math.abs(metrics.totalVariation - probability)).toBeLessThan(1e-15)
  }
})

test('bounds: each within its range, and TV, JS and KL bound each other', () => {
  fc.assert(
    fc.property(pairs(masked), ([golden, dump]) => {
      fc.pre(hasLogit(golden) && hasLogit(dump))
      const metrics = metricsOf(golden, dump)
      const { totalVariation: tv, jensenShannonDivergence: js, reverseKlDivergence: reverse } = metrics
      const kl = klOf(golden, dump)
      expect(tv >= 0 && tv <= 1).toBe(true)
      expect(js >= 0 && js <= Math.LN2).toBe(true)
      expect(reverse).toBeGreaterThanOrEqual(0)
      expect(Math.abs(metrics.goldenTop1DeltaP)).toBeLessThanOrEqual(tv * (1 + 1e-9) + 1e-15)
      const SLACK = 1e-12
      // Lin 1991: JS ≤ ln 2 · TV; Pinsker: KL ≥ 2·TV², so JS ≥ TV²/2; JS is at most a quarter of KL + reverse KL.
      expect(js).toBeLessThanOrEqual(Math.LN2 * tv + SLACK)
      expect(js).toBeGreaterThanOrEqual((tv * tv) / 2 - SLACK)
      expect(Math.min(kl, reverse)).toBeGreaterThanOrEqual(2 * tv * tv - SLACK)
      if (Number.isFinite(kl + reverse)) expect(js).toBeLessThanOrEqual((kl + reverse) / 4 + SLACK)
      for (const share of [metrics.top10Overlap, metrics.top10Order]) expect(share >= 0 && share <= 1).toBe(true)
      expect(metrics.top10Order).toBeLessThanOrEqual(metrics.top10Overlap)
      expect(metrics.goldenTop1Rank >= 1 && metrics.goldenTop1Rank <= golden.length).toBe(true)
    }),
    RUNS,
  )
})

test('data processing: joining two vocab ids into one makes no distance larger', () => {
  const joined = (row: Float32Array): Float32Array => {
    const [a, b] = [row[0]!, row[1]!]
    const max = Math.max(a, b)
    const both = max + Math.log(Math.exp(a - max) + Math.exp(b - max))
    return Float32Array.from([both, ...row.subarray(2)])
  }
  fc.assert(
    fc.property(pairs(ordinary, 3), ([golden, dump]) => {
      const [before, after] = [metricsOf(golden, dump), metricsOf(joined(golden), joined(dump))]
      // The joined logits are rounded to float32: 2^-23 of at most 64, twice.
      const rounding = 2e-5
      for (const key of ['totalVariation', 'jensenShannonDivergence', 'reverseKlDivergence'] as const) {
        expect(after[key], key).toBeLessThanOrEqual(before[key] * (1 + rounding) + rounding)
      }
    }),
    RUNS,
  )
})

test('permutation: the order of the vocabulary changes nothing, if no logits are equal', () => {
  const distinct = fc
    .uniqueArray(fc.integer({ min: -500, max: 500 }), { minLength: 2, maxLength: 30 })
    .chain((golden) => fc.tuple(fc.constant(golden), fc.shuffledSubarray(golden, { minLength: golden.length })))
  fc.assert(
    fc.property(distinct, fc.integer(), ([golden, dump], seed) => {
      const order = golden.map((_, id) => id).sort((a, b) => Math.sin(a * 999 + seed) - Math.sin(b * 999 + seed))
      const rowOf = (values: number[], ids: number[]) => Float32Array.from(ids, (id) => values[id]! / 16)
      const ids = golden.map((_, id) => id)
      const before = metricsOf(rowOf(golden, ids), rowOf(dump, ids))
      const after = metricsOf(rowOf(golden, order), rowOf(dump, order))
      for (const key of KEYS) expectClose(after[key], before[key])
    }),
    RUNS,
  )
})
