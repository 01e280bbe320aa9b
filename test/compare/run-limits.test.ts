import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { judgeRun } from '../../src/compare/run-limits.js'
import { runStatistics } from '../../src/compare/statistics.js'
import type { TokenComparison } from '../../src/compare/types.js'
import { compareDumps, logitsOf } from '../../src/index.js'
import { failureText } from '../../src/report/message/failure.js'
import { passText } from '../../src/report/message/pass.js'

interface Run {
  kl: number[]
  same: number[]
  topProbability: number[]
  mean: number
  error: number
  p99: number
  agreement: number
  agreementError: number
  max: number
  maxStep: number
  percentiles: Record<string, number>
  metrics: Record<
    string,
    { values: number[]; mean: number; error: number; rms: number; percentiles: Record<string, number> }
  >
  confidence: object[]
}

/** Written by scripts/fixtures/make_statistics.py with NumPy. */
const runs: Run[] = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/statistics/runs.json'), 'utf8'))

function tokensOf({ kl, same, topProbability, metrics }: Run): TokenComparison[] {
  return kl.map((value, step) => ({
    step,
    verdict: 'pass',
    pass: true,
    reason: '',
    topProbability: topProbability[step]!,
    metrics: {
      klDivergence: value,
      cosineSimilarity: 1,
      maxRelativeError: 0,
      meanRelativeError: 0,
      maxAbsoluteError: 0,
      meanAbsoluteError: 0,
      relativeEuclideanDistance: 0,
      ...Object.fromEntries(Object.entries(metrics).map(([key, { values }]) => [key, values[step]])),
    },
    golden: { files: [], layer: '', top1: 1 },
    dump: { files: [], layer: '', top1: same[step] === 1 ? 1 : 2 },
  }))
}

test.each(runs.map((run) => ({ run, count: run.kl.length })))(
  'the statistics of $count tokens equal the results of NumPy and SciPy',
  ({ run }) => {
    const tokens = tokensOf(run)
    const limits = { meanKl: 1, p99Kl: 1, top1Agreement: 0.5 }
    const [meanKl, p99, agreement] = judgeRun(tokens, limits)
    expect(meanKl!.lo).toBeCloseTo(run.mean, 14)
    expect(meanKl!.error).toBeCloseTo(run.error, 14)
    expect(p99!.hi).toBeCloseTo(run.p99, 14)
    expect(agreement!.lo).toBeCloseTo(run.agreement, 14)
    expect(agreement!.error).toBeCloseTo(run.agreementError, 14)
    const statistics = runStatistics(tokens)!
    expect(statistics.meanKl).toBeCloseTo(run.mean, 14)
    expect(statistics.meanKlError).toBeCloseTo(run.error, 14)
    expect(statistics.maxKl).toEqual({ value: run.max, step: run.maxStep })
    expect(statistics.top1Agreement.error).toBeCloseTo(run.agreementError, 14)
    for (const { percent, value } of statistics.klPercentiles) {
      expect(value).toBeCloseTo(run.percentiles[String(percent)]!, 14)
    }
    expect(statistics.metrics!.map(({ key }) => key).sort()).toEqual(Object.keys(run.metrics).sort())
    for (const { key, mean, error, rms, percentiles } of statistics.metrics!) {
      const expected = run.metrics[key]!
      expect(mean).toBeCloseTo(expected.mean, 14)
      expect(error).toBeCloseTo(expected.error, 14)
      if (rms !== undefined) expect(rms).toBeCloseTo(expected.rms, 14)
      for (const { percent, value } of percentiles)
        expect(value).toBeCloseTo(expected.percentiles[String(percent)]!, 14)
    }
    expect(statistics.metrics!.filter(({ rms }) => rms !== undefined).map(({ key }) => key)).toEqual([
      'goldenTop1DeltaP',
    ])
    const { confidence } = statistics
    expect(confidence).toHaveLength(run.confidence.length)
    for (const [i, range] of run.confidence.entries()) {
      for (const [key, value] of Object.entries(range)) {
        expect(confidence![i]![key as 'from']).toBeCloseTo(value, 12)
      }
    }
  },
)

describe('a limit on the run', () => {
  const [short, , long] = runs as [Run, Run, Run]
  const verdict = (run: Run, limits: Parameters<typeof judgeRun>[1]) => judgeRun(tokensOf(run), limits)[0]!

  test('passes just above the mean, and fails at the mean', () => {
    expect(verdict(long, { meanKl: long.mean * 1.0001 }).verdict).toBe('pass')
    const over = verdict(long, { meanKl: long.mean * 0.9999 })
    expect(over).toMatchObject({ verdict: 'over-threshold', tokens: 250 })
    expect(over.reason).toMatch(/^mean KL divergence 0\.00\d+ ± 0\.0000\d+ of 250 tokens is not below 0\.00\d+$/)
  })

  test('of the 99th percentile says that 12 tokens are too few to pass, but enough to fail', () => {
    const fits = verdict(short, { p99Kl: 1 })
    expect(fits.verdict).toBe('too-short')
    expect(fits.reason).toMatch(/of 12 tokens is below 1, but the run is too short to tell: thresholds\.p99Kl 1 needs/)
    expect(fits.reason).toContain('at least 100 comparable tokens')
    expect(verdict(short, { p99Kl: short.p99 / 2 }).verdict).toBe('over-threshold')
    expect(verdict(long, { p99Kl: 1 }).verdict).toBe('pass')
  })

  test('of the agreement needs as many tokens as make one flip smaller than the limit', () => {
    const same = { ...short, same: short.same.map(() => 1) }
    expect(verdict(same, { top1Agreement: 0.9 }).verdict).toBe('pass')
    expect(verdict(same, { top1Agreement: 0.99 }).verdict).toBe('too-short')
    expect(verdict(same, { top1Agreement: 0.99 }).reason).toContain('needs at least 100 comparable tokens')
  })

  test('of nothing measured is too short', () => {
    expect(judgeRun([], { meanKl: 1 })[0]).toMatchObject({ verdict: 'too-short', tokens: 0 })
  })

  test('between the bounds of compact snapshots is undecided', () => {
    const bounded = tokensOf(long).map(({ metrics, ...token }): TokenComparison => {
      const kl = metrics!.klDivergence
      return {
        ...token,
        bounds: { klDivergence: { lo: kl, hi: kl + 0.001 }, cosineSimilarity: { lo: 1, hi: 1 } },
      }
    })
    const at = (meanKl: number) => judgeRun(bounded, { meanKl })[0]!.verdict
    expect(at(long.mean)).toBe('over-threshold')
    expect(at(long.mean + 0.0005)).toBe('undecided')
    expect(at(long.mean + 0.0011)).toBe('pass')
  })
})

describe('compareDumps', () => {
  const row = (step: number) => Float32Array.from({ length: 64 }, (_, i) => 4 * Math.sin(i * 1.7 + step * step))
  const near = (step: number, by: number) => row(step).map((value, i) => value + by * Math.sin(i * 9.1 + step))
  const dump = (count: number, by: number) =>
    logitsOf(Array.from({ length: count }, (_, step) => ({ data: near(step, by), dims: [1, 64], dtype: 'float32' })))
  const compare = (count: number, thresholds: object) =>
    compareDumps(dump(count, 0.02), dump(count, 0), { dtype: 'bf16', decoding: 'forced', thresholds })

  test('fails by the mean although every token passes, and says so', () => {
    const comparison = compare(40, { meanKl: 0.00001 })
    expect(comparison).toMatchObject({ pass: false, counts: { overThreshold: 0, passed: 40 } })
    expect(comparison.firstFailure).toBeUndefined()
    const text = failureText(comparison)
    expect(text).toMatch(
      /^No token fails, but the run does: mean KL divergence \S+ ± \S+ of 40 tokens is not below 0\.00001/,
    )
    expect(text).toMatch(/KL of 40 tokens {5}mean \S+ ± \S+, median \S+, 90 % \S+, highest \S+ at token \d+/)
  })

  test('passes with a limit that the run keeps, and shows the statistics', () => {
    const comparison = compare(40, { meanKl: 0.004, top1Agreement: 0.5 })
    expect(comparison).toMatchObject({ pass: true, run: [{ verdict: 'pass' }, { verdict: 'pass' }] })
    expect(passText(comparison)).toMatch(/run: mean KL divergence \S+ ± \S+ of 40 tokens is below 0\.004/)
  })

  test('is inconclusive for a percentile of 12 tokens', () => {
    const comparison = compare(12, { p99Kl: 0.004 })
    expect(comparison.pass).toBe(false)
    expect(failureText(comparison)).toMatch(
      /^Inconclusive: 99th percentile .* of 12 tokens is below 0\.004, but the run is too/,
    )
  })

  test('warns if the mean is within its limit by less than its error', () => {
    const [{ hi, error }] = compare(40, { meanKl: 0.004 }).run as unknown as [{ hi: number; error: number }]
    const comparison = compare(40, { meanKl: hi + error })
    expect(comparison.pass).toBe(true)
    expect(comparison.warnings.join()).toMatch(
      /by less than 2 standard errors, so the run is too short to tell; if that/,
    )
    expect(compare(40, { meanKl: hi + 3 * error }).warnings).toEqual([])
  })

  test("knows the golden's probability of its top-1: 3/4 of softmax [0, ln 3]", () => {
    const rows = logitsOf([{ data: Float64Array.of(0, Math.log(3)), dims: [1, 2], dtype: 'float64' }])
    const { tokens } = compareDumps(rows, rows, { dtype: 'bf16' })
    expect(tokens[0]!.topProbability).toBeCloseTo(0.75, 6)
  })

  test('may gate the run alone', () => {
    const open = { klDivergence: Number.POSITIVE_INFINITY, cosineSimilarity: -1 }
    expect(() => compare(40, open)).toThrow('thresholds gate nothing')
    expect(compare(40, { ...open, meanKl: 0.004 }).pass).toBe(true)
  })

  test.each([
    [{ meanKl: 0 }, 'the threshold meanKl must be a number above 0, got 0'],
    [{ p99Kl: '1' }, "the threshold p99Kl must be a number above 0, got '1'"],
    [{ top1Agreement: 1 }, 'the threshold top1Agreement must be a number in [0, 1), got 1'],
    [{ p95Kl: 1 }, "there is no threshold 'p95Kl'"],
  ])('refuses %j', (thresholds, message) => {
    expect(() => compare(12, thresholds)).toThrow(message)
  })
})
