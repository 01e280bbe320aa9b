import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { checkOptions } from '../../../src/compare/options.js'
import { type CompareOptions, type Comparison, compareDumps, logitsOf } from '../../../src/index.js'
import { expectedDivergence } from '../../../src/metrics/expected-divergence.js'
import { dumpFacts } from '../../../src/snapshots/compact/dump-facts.js'
import { estimateNoise } from '../../../src/snapshots/compact/estimate-noise.js'
import { summarise } from '../../../src/snapshots/compact/summarise.js'
import { compareSnapshot } from '../../../src/snapshots/compare-snapshot.js'
import { readSnapshot } from '../../../src/snapshots/read-snapshot.js'
import { writeSnapshot } from '../../../src/snapshots/write-snapshot.js'
import { inMemory, noisyRows, normals } from '../../build/noisy.js'

const WIDTH = 4096

/** Logits with a standard deviation of 10 and maxima near 35: honest noise often exceeds the reference limits of bf16. */
const golden = Array.from({ length: 12 }, (_, step) => normals(31 + step, WIDTH).map((z) => Math.fround(10 * z)))

/** The standard deviation of dump − golden over that of the golden's logits, by its definition. */
function exactSpread(row: readonly number[], dump: readonly number[]): number {
  const deviation = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
  }
  return deviation(dump.map((logit, id) => logit - row[id]!)) / deviation(row)
}

const estimate = (row: readonly number[], dump: readonly number[]) => {
  const compact = summarise(Float32Array.from(row), 64)
  return estimateNoise(compact, dumpFacts(compact, Float32Array.from(dump)))
}

describe('the estimated noise', () => {
  test.each([0.01, 0.1, 1])(
    'of logits with noise of %d is that of all columns, within the error of a sketch',
    (noise) => {
      const ratios = golden.map((row, step) => {
        const errors = normals(900 + step, WIDTH)
        const dump = row.map((logit, id) => Math.fround(logit + 1 + noise * errors[id]!))
        return estimate(row, dump)!.relativeSpread / exactSpread(row, dump)
      })
      // 7 % is one standard deviation of an estimate, 2 % that of the mean of twelve.
      for (const ratio of ratios) expect(Math.abs(ratio - 1)).toBeLessThan(0.3)
      expect(Math.abs(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length - 1)).toBeLessThan(0.1)
    },
    300_000,
  )

  test('has the H and ν of all columns', () => {
    for (const row of golden) {
      const { groups, goldenDeviation } = estimate(
        row,
        row.map((logit) => Math.fround(logit * 1.01)),
      )!
      const of = (rows: readonly { readonly logits: readonly number[]; readonly weight: number }[]) =>
        expectedDivergence(
          rows.map(({ logits, weight }) => ({ logits: Float64Array.from(logits), weight })),
          'bf16',
          0.016 * goldenDeviation,
          1,
        )
      const [listed, all] = [of(groups), of([{ logits: row, weight: 1 }])]
      expect(Math.abs(listed.mean / all.mean - 1)).toBeLessThan(0.05)
      expect(Math.abs(listed.freedom / all.freedom - 1)).toBeLessThan(0.2)
    }
  })

  test('is not known of other masks, of masks that are finite, of few or equal logits', () => {
    const [row] = golden as [number[]]
    const masked = row.with(5, Number.NEGATIVE_INFINITY)
    expect(estimate(masked, masked)).toBeDefined()
    expect(estimate(masked, row)).toBeUndefined()
    expect(estimate(row.with(5, -10_000), row.with(5, -10_000))).toBeUndefined()
    expect(estimate(row.slice(0, 200), row.slice(0, 200))).toBeUndefined()
    expect(
      estimate(
        row.map(() => 2),
        row,
      ),
    ).toBeUndefined()
  })
})

describe('a compact snapshot and two dumps agree', () => {
  const folder = mkdtempSync(join(tmpdir(), 'compact-noise-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'rows.golden')
  const goldenDump = logitsOf(inMemory(golden, 'float32'))
  const settings = { fidelity: 'compact', k: 64, test: 't', provenance: {}, compare: checkOptions({}) } as const
  expect(writeSnapshot(path, goldenDump, settings).kind).toBe('written')

  const both = (rows: number[][], options: CompareOptions = {}): [snapshot: Comparison, dumps: Comparison] => {
    const dump = logitsOf(inMemory(rows, 'bfloat16'))
    const all: CompareOptions = { dtype: 'bf16', decoding: 'forced', ...options }
    return [compareSnapshot(readSnapshot(path), dump, checkOptions(all)), compareDumps(dump, goldenDump, all)]
  }
  const honest = noisyRows(golden, 3, 0.2)

  test('an honest run passes over a reference limit, with a warning', () => {
    const [snapshot, dumps] = both(honest)
    const over = dumps.tokens.filter(({ metrics }) => metrics!.klDivergence! > 0.005).map(({ step }) => step)
    expect(over.length).toBeGreaterThan(0)
    expect([snapshot.pass, dumps.pass]).toEqual([true, true])
    for (const step of over) {
      const { isExcused, reason } = snapshot.tokens[step]!
      expect(isExcused).toBe(true)
      expect(reason).toMatch(
        /^KL divergence lies in \[0\.\d+, 0\.\d+\], not below 0\.005 for sure, within what bf16 does at these logits: 0\.\d+(; cosine similarity lies in \[0\.99\d+, 0\.99\d+\], not above 0\.999 for sure, with a relative spread of 0\.0\d+, within the 0\.0769 of bf16)?$/,
      )
    }
    expect(snapshot.warnings).toContainEqual(
      expect.stringMatching(/over a reference limit, within the rounding of bf16/),
    )
  })

  test('by the reference rule, or by limits set by hand, it fails', () => {
    for (const options of [
      { rounding: 'reference' },
      { thresholds: { klDivergence: 0.005 } },
    ] satisfies CompareOptions[]) {
      const [snapshot, dumps] = both(honest, options)
      expect([snapshot.pass, dumps.pass]).toEqual([false, false])
      expect(snapshot.firstFailure!.reason).toMatch(/^KL divergence is at least 0\.\d+, not below 0\.005/)
    }
  })

  test('a row that is damaged in its top logits fails', () => {
    const rows = honest.map((row, step) => {
      const top = golden[step]!.indexOf(Math.max(...golden[step]!))
      return step === 4 ? row.with(top, row[top]! - 4) : row
    })
    const [snapshot, dumps] = both(rows)
    expect([snapshot.firstFailure!.step, dumps.firstFailure!.step]).toEqual([4, 4])
    expect(snapshot.counts.overThreshold).toBe(1)
  })

  test('a factor on the logits fails by the spread, also where KL divergence and cosine are within their limits', () => {
    const sure = golden.map((row) => row.with(9, 60))
    const sureDump = logitsOf(inMemory(sure, 'float32'))
    const sureFile = join(folder, 'sure.golden')
    expect(writeSnapshot(sureFile, sureDump, settings).kind).toBe('written')
    const dump = logitsOf(inMemory(noisyRows(sure, 3, 0.2, 1.15), 'bfloat16'))
    const all: CompareOptions = { dtype: 'bf16', decoding: 'forced' }
    const snapshot = compareSnapshot(readSnapshot(sureFile), dump, checkOptions(all))
    const dumps = compareDumps(dump, sureDump, all)
    expect(snapshot.tokens.map(({ verdict }) => verdict)).toEqual(dumps.tokens.map(({ verdict }) => verdict))
    expect(snapshot.firstFailure!.reason).toMatch(
      /^relative spread of about 0\.1\d+ is above 0\.0769: more noise than bf16 makes, or a factor on the logits$/,
    )
  })
})
