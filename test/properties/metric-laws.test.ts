import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MeasuredRows } from '../../src/metrics/types.js'
import { TypescriptKernel } from '../../src/metrics/typescript-kernel.js'
import { WasmKernel } from '../../src/metrics/wasm/wasm-kernel.js'
import { compareFloats } from '../conformance/kernel.js'

/** A pair of rows of the same length, with logits from `logit`. */
function pairs(logit: fc.Arbitrary<number>, least = 1): fc.Arbitrary<[Float32Array, Float32Array]> {
  return fc.integer({ min: least, max: 40 }).chain((count) => {
    const row = fc.array(logit, { minLength: count, maxLength: count }).map((values) => Float32Array.from(values))
    return fc.tuple(row, row)
  })
}

const ordinary = fc.float({ min: -50, max: 50, noNaN: true })
const finite = fc.float({ noNaN: true, noDefaultInfinity: true })
const masked = fc.oneof(
  { weight: 5, arbitrary: ordinary },
  { weight: 1, arbitrary: fc.constantFrom(Number.NEGATIVE_INFINITY, -1e9, Math.fround(-3e38)) },
)
/** Logits for which every shift by a whole number is exact. */
const whole = fc.integer({ min: -1000, max: 1000 })

const softmax = (row: Float32Array): number[] => {
  const max = row.reduce((a, b) => Math.max(a, b))
  const weights = Array.from(row, (logit) => Math.exp(logit - max))
  const sum = weights.reduce((a, b) => a + b)
  return weights.map((weight) => weight / sum)
}

describe.each([
  ['typescript', new TypescriptKernel()],
  ['wasm', new WasmKernel()],
] as const)('the %s kernel', (_, kernel) => {
  const measured = (golden: Float32Array, dump: Float32Array): MeasuredRows => {
    const result = compareFloats(kernel, golden, dump)
    if (result.kind !== 'measured') throw new Error(result.kind)
    return result
  }
  const metricsOf = (golden: Float32Array, dump: Float32Array) => measured(golden, dump).metrics

  test('no metric of finite logits is NaN, negative or out of its range', () => {
    fc.assert(
      fc.property(pairs(fc.oneof(finite, masked)), ([golden, dump]) => {
        const result = compareFloats(kernel, golden, dump)
        if (result.kind === 'no-support') return
        if (result.kind !== 'measured') throw new Error(result.kind)
        const { cosineSimilarity, ...others } = result.metrics
        expect(Math.abs(cosineSimilarity)).toBeLessThanOrEqual(1)
        for (const value of Object.values(others)) expect(value).toBeGreaterThanOrEqual(0)
        expect(others.maxRelativeError).toBeGreaterThanOrEqual(others.meanRelativeError * (1 - 1e-12))
        expect(others.maxAbsoluteError).toBeGreaterThanOrEqual(others.meanAbsoluteError * (1 - 1e-12))
      }),
      { numRuns: 500 },
    )
  })

  test('a row and itself: KL exactly 0, cosine exactly 1, no error', () => {
    fc.assert(
      fc.property(pairs(fc.oneof(finite, masked)), ([row]) => {
        fc.pre(row.some((logit) => logit > Number.NEGATIVE_INFINITY))
        expect(metricsOf(row, row)).toEqual({
          cosineSimilarity: 1,
          klDivergence: 0,
          maxRelativeError: 0,
          meanRelativeError: 0,
          maxAbsoluteError: 0,
          meanAbsoluteError: 0,
          relativeEuclideanDistance: 0,
        })
      }),
    )
  })

  test('KL ignores a shift of either row, and is exactly 0 for a row and its shift', () => {
    fc.assert(
      fc.property(pairs(whole), whole, whole, ([golden, dump], a, b) => {
        const { klDivergence } = metricsOf(golden, dump)
        for (const shifted of [
          metricsOf(
            golden.map((x) => x + a),
            dump,
          ),
          metricsOf(
            golden,
            dump.map((x) => x + b),
          ),
        ]) {
          expect(Math.abs(shifted.klDivergence - klDivergence)).toBeLessThanOrEqual(1e-11 * klDivergence + 1e-13)
        }
        expect(
          metricsOf(
            golden,
            golden.map((x) => x + b),
          ).klDivergence,
        ).toBe(0)
      }),
    )
  })

  test('KL is within its bounds: Pinsker below, the spread of the differences above', () => {
    fc.assert(
      fc.property(pairs(ordinary), ([golden, dump]) => {
        const { klDivergence } = metricsOf(golden, dump)
        const [p, q] = [softmax(golden), softmax(dump)]
        const variation = p.reduce((sum, x, i) => sum + Math.abs(x - q[i]!), 0) / 2
        const differences = Array.from(golden, (g, i) => g - dump[i]!)
        const spread = Math.max(...differences) - Math.min(...differences)
        expect(klDivergence).toBeGreaterThanOrEqual(2 * variation ** 2 * (1 - 1e-9) - 1e-12)
        expect(klDivergence).toBeLessThanOrEqual(Math.min(spread, spread ** 2 / 8) * (1 + 1e-9) + 1e-12)
      }),
      { numRuns: 300 },
    )
  })

  test('the order of the vocabulary does not matter', () => {
    const shuffled = pairs(masked, 2).chain(([golden, dump]) =>
      fc.tuple(
        fc.constant(golden),
        fc.constant(dump),
        fc.shuffledSubarray([...golden.keys()], { minLength: golden.length, maxLength: golden.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([golden, dump, order]) => {
        const [before, after] = [
          compareFloats(kernel, golden, dump),
          compareFloats(
            kernel,
            Float32Array.from(order, (i) => golden[i]!),
            Float32Array.from(order, (i) => dump[i]!),
          ),
        ]
        expect(after.kind).toBe(before.kind)
        if (before.kind !== 'measured' || after.kind !== 'measured') return
        for (const [name, value] of Object.entries(before.metrics)) {
          const other = after.metrics[name as keyof typeof before.metrics]
          const same = other === value || Math.abs(other - value) <= 1e-10 * Math.max(1, Math.abs(value))
          expect(same, `${name}: ${value} and ${other}`).toBe(true)
        }
        expect(after.golden.max).toBe(before.golden.max)
        expect(golden[order[after.golden.top1]!]).toBe(golden[before.golden.top1])
      }),
    )
  })

  test('the cosine is symmetric and ignores the length of a row', () => {
    fc.assert(
      fc.property(pairs(whole), fc.integer({ min: -20, max: 20 }), ([golden, dump], exponent) => {
        const { cosineSimilarity } = metricsOf(golden, dump)
        expect(metricsOf(dump, golden).cosineSimilarity).toBeCloseTo(cosineSimilarity, 12)
        const scale = 2 ** exponent
        expect(
          metricsOf(
            golden.map((x) => x * scale),
            dump,
          ).cosineSimilarity,
        ).toBeCloseTo(cosineSimilarity, 12)
      }),
    )
  })

  test('an id that both sides suppress changes nothing but the means', () => {
    const suppress = (row: Float32Array) => Float32Array.of(...row, Number.NEGATIVE_INFINITY)
    fc.assert(
      fc.property(pairs(ordinary), ([golden, dump]) => {
        const [alone, beside] = [measured(golden, dump), measured(suppress(golden), suppress(dump))]
        const { klDivergence, cosineSimilarity, maxAbsoluteError, maxRelativeError } = alone.metrics
        expect(beside.metrics).toMatchObject({ klDivergence, cosineSimilarity, maxAbsoluteError, maxRelativeError })
        expect(beside.support).toEqual({ bothSuppressed: 1, goldenOnly: 0, dumpOnly: 0, firstMismatch: -1 })
        const share = golden.length / (golden.length + 1)
        expect(beside.metrics.meanAbsoluteError).toBeCloseTo(alone.metrics.meanAbsoluteError * share, 12)
      }),
    )
  })

  test('NaN and +Inf are found at any id, and no metric is measured', () => {
    const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY)
    fc.assert(
      fc.property(pairs(masked), bad, fc.nat(), fc.boolean(), ([golden, dump], value, at, inGolden) => {
        const row = inGolden ? golden : dump
        const place = at % row.length
        row[place] = value
        expect(compareFloats(kernel, golden, dump)).toMatchObject({
          kind: 'non-finite',
          [inGolden ? 'golden' : 'dump']: { firstVocabId: place },
          [inGolden ? 'dump' : 'golden']: { firstVocabId: -1, nan: 0, positiveInfinity: 0 },
        })
      }),
    )
  })
})
