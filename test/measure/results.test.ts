import { describe, expect, test } from 'vitest'
import { listOf } from '../../src/lib/lazy-list.js'
import type { MeasuredOutcome, Outcome } from '../../src/measure/outcome.js'
import { RECORD_BYTES, recordMemory, writeRecord } from '../../src/measure/record.js'
import { Results } from '../../src/measure/results.js'

const pairs = listOf(10_000, (step) => ({
  step,
  golden: { step, files: [`g${step}`], layer: 'lm_head' },
  dump: { step, files: [`d${step}`, `e${step}`], layer: '67_LmHead' },
}))

/** Numbers that differ from each other and from token to token, and are float32 where logits are. */
function outcomeAt(step: number, more: Partial<MeasuredOutcome> = {}): MeasuredOutcome {
  const { golden, dump } = pairs.at(step)!
  const stats = (side: number) => ({
    max: step + side + 0.5,
    min: -step - side - 0.25,
    mean: (step + side) / 3,
    top1: step + side,
    top1Logit: step + side + 0.5,
    logitAtOtherTop1: step + side + 0.125,
  })
  const shape = { dtype: 'float32', fileShape: [1, 2, 8], shape: [1, 8] } as const
  const sides = {
    golden: { files: golden.files, layer: golden.layer, ...shape },
    dump: { files: dump.files, layer: dump.layer, ...shape, dtype: 'bfloat16' } as const,
  }
  return {
    kind: 'compared',
    ...sides,
    notes: [],
    rows: {
      kind: 'measured',
      metrics: {
        cosineSimilarity: 1 - 1e-9 * step,
        klDivergence: step / 7,
        maxRelativeError: step / 11,
        meanRelativeError: step / 13,
        maxAbsoluteError: step / 17,
        meanAbsoluteError: step / 19,
        relativeEuclideanDistance: step / 23,
      },
      golden: stats(0),
      dump: stats(1),
      support: { bothSuppressed: step + 2, goldenOnly: step + 3, dumpOnly: step + 4, firstMismatch: step + 5 },
    },
    ...more,
  }
}

/** One whose numbers are those at the edges of what a row may hold. */
function extreme(): MeasuredOutcome {
  const outcome = outcomeAt(7)
  Object.assign(outcome.rows.golden, {
    max: -0,
    top1Logit: -0,
    min: Number.NEGATIVE_INFINITY,
    mean: Number.NEGATIVE_INFINITY,
  })
  Object.assign(outcome.rows.dump, {
    top1: 2 ** 22 - 1,
    logitAtOtherTop1: Number.NEGATIVE_INFINITY,
    max: 3.4028234663852886e38,
    top1Logit: 3.4028234663852886e38,
  })
  Object.assign(outcome.rows.metrics, {
    klDivergence: Number.POSITIVE_INFINITY,
    maxAbsoluteError: 5e-324,
    cosineSimilarity: -0,
  })
  outcome.rows.support.firstMismatch = -1
  return outcome
}

describe('an outcome comes back as it was put in', () => {
  const cut = { goldenColumns: 3, goldenMass: 1e-7, dumpColumns: 0, dumpMass: 0 }
  test.each<[string, number, Outcome]>([
    ['measured', 0, outcomeAt(0)],
    ['far behind', 9999, outcomeAt(9999)],
    ['at the edges', 7, extreme()],
    ['with notes', 3, outcomeAt(3, { notes: ['golden: only the last of several positions compared'] })],
    ['with columns cut', 4, outcomeAt(4, { cut })],
    ['cut of which all is NaN', 4, outcomeAt(4, { cut: { ...cut, dumpMass: Number.NaN } })],
    [
      'shape-mismatch',
      5,
      { kind: 'shape-mismatch', golden: outcomeAt(5).golden, dump: outcomeAt(5).dump, notes: [], reason: 'so' },
    ],
  ])('%s', (_, index, outcome) => {
    const results = new Results(pairs)
    expect(results.has(index)).toBe(false)
    expect(results.at(index)).toStrictEqual(pairs.at(index))
    results.put(index, outcome)
    expect(results.has(index)).toBe(true)
    expect(results.at(index)).toStrictEqual({ ...pairs.at(index), outcome })
    expect(results.at(index === 0 ? 1 : 0)!.outcome).toBeUndefined()
  })

  test('many of several shapes', () => {
    const results = new Results(pairs)
    const of = (step: number) => outcomeAt(step, step % 3 === 0 ? { notes: [`note ${step % 2}`] } : {})
    for (let step = 0; step < 5000; step += 2) results.put(step, of(step))
    for (let step = 0; step < 5000; step += 2) expect(results.at(step)!.outcome).toStrictEqual(of(step))
    expect(results.shapes.first(64)).toHaveLength(2)
  })
})

test('a record that another thread wrote is taken over with its shape', () => {
  const results = new Results(pairs)
  results.put(0, outcomeAt(0))
  results.put(1, outcomeAt(1, { notes: ['a note'] }))
  const shared = recordMemory(new SharedArrayBuffer(4 * RECORD_BYTES))
  const outcome = outcomeAt(3000, { notes: ['a note'] })
  writeRecord(shared, 2, outcome, 1)
  results.putRecord(3000, shared, 2)
  expect(results.at(3000)!.outcome).toStrictEqual(outcome)
  // It is a copy: what the other thread writes later is not seen.
  writeRecord(shared, 2, outcomeAt(5), 0)
  expect(results.at(3000)!.outcome).toStrictEqual(outcome)
})

test('outcomes of one shape share its arrays, which are frozen', () => {
  const results = new Results(pairs)
  for (const step of [0, 1]) results.put(step, outcomeAt(step))
  const [first, second] = [results.at(0)!.outcome!, results.at(1)!.outcome!]
  expect(first.golden.fileShape).toBe(second.golden.fileShape)
  expect(() => (first.golden.fileShape as number[]).push(1)).toThrow(TypeError)
})

test('a record takes at most 150 bytes', () => {
  expect(RECORD_BYTES).toBeLessThanOrEqual(150)
})
