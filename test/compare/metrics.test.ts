import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareListed } from '../../src/compare/compare-dumps.js'
import { compareDumps, logitsOf } from '../../src/index.js'
import { OPTIONAL, type OptionalKey } from '../../src/metrics/optional/table.js'
import { CSV_COLUMNS, csv } from '../../src/report/csv.js'
import { comparisonReport, reportDocument } from '../../src/report/document.js'
import { htmlPage } from '../../src/report/html/page.js'
import { reportMarkdown } from '../../src/report/markdown.js'
import { failureText } from '../../src/report/message/failure.js'
import { passText } from '../../src/report/message/pass.js'
import { parseReport } from '../../src/report/parse-report.js'
import { logits } from '../build/logits.js'
import { torchDump } from '../build/pair.js'
import { reportJson } from '../report/report-json.js'

const KEYS = OPTIONAL.map(({ key }) => key)
const WIDTH = 300

const near = (step: number, scale = 1e-4) => logits(step, WIDTH).map((x, i) => x + scale * Math.sin(7 * i + step))
const run = (steps: number, rowOf: (step: number) => number[]) =>
  torchDump(Array.from({ length: steps }, (_, step) => ({ values: rowOf(step) })))

const GOLDEN = run(12, (step) => logits(step, WIDTH))
const CLOSE = run(12, near)
/** Token 5 is another row. */
const BAD = run(12, (step) => (step === 5 ? logits(99, WIDTH) : near(step)))

const KLD = join('test', 'fixtures', 'kld')
const ROUNDED = [join(KLD, 'narrow-q8_0.kld'), join(KLD, 'narrow-f32.kld')] as const

describe('the option metrics', () => {
  test('adds the metrics that it names to each token, and no others', () => {
    const { tokens, metrics } = compareDumps(CLOSE, GOLDEN, { dtype: 'fp32', metrics: ['l1Norm', 'totalVariation'] })
    expect(metrics).toEqual(['totalVariation', 'l1Norm'])
    for (const token of tokens) {
      const added = Object.keys(token.metrics!).filter((key) => (KEYS as string[]).includes(key))
      expect(added).toEqual(['totalVariation', 'l1Norm'])
      expect(token.metrics!.totalVariation).toBeGreaterThan(0)
    }
  })

  test('left out, nothing of it appears', () => {
    const comparison = compareDumps(CLOSE, GOLDEN, { dtype: 'fp32' })
    expect(comparison).not.toHaveProperty('metrics')
    for (const key of KEYS) expect(comparison.tokens[0]!.metrics).not.toHaveProperty(key)
  })

  test('changes no verdict, and gives the same on several threads and in memory', () => {
    const plain = compareDumps(BAD, GOLDEN, { dtype: 'fp32', threads: 1 })
    const one = compareDumps(BAD, GOLDEN, { dtype: 'fp32', threads: 1, metrics: KEYS })
    const many = compareDumps(BAD, GOLDEN, { dtype: 'fp32', threads: 4, metrics: KEYS })
    expect(many).toEqual(one)
    expect(one.tokens.map(({ verdict }) => verdict)).toEqual(plain.tokens.map(({ verdict }) => verdict))
    const memory = (rowOf: (step: number) => number[]) =>
      logitsOf(
        Array.from({ length: 12 }, (_, step) => ({
          data: Float32Array.from(rowOf(step)),
          dims: [1, WIDTH],
          dtype: 'float32' as const,
        })),
      )
    const inMemory = compareDumps(
      memory(near),
      memory((step) => logits(step, WIDTH)),
      { metrics: KEYS },
    )
    const files = compareDumps(CLOSE, GOLDEN, { metrics: KEYS })
    expect(inMemory.tokens.map(({ metrics }) => metrics)).toEqual(files.tokens.map(({ metrics }) => metrics))
  })

  test.each([
    [{ metrics: 'l1Norm' }, /metrics must be a list such as \['totalVariation'\], got 'l1Norm'/],
    [{ metrics: ['kl'] }, /metrics must list names of reverseKlDivergence, .*, ulp; got 'kl'/],
    [{ metrics: [undefined] }, /metrics must list names/],
    [{ thresholds: { totalVariation: 0 } }, /the threshold totalVariation must be a number in \(0, 1\], got 0/],
    [{ thresholds: { jensenShannonDivergence: 0.7 } }, /must be a number above 0, at most ln 2, got 0\.7/],
    [{ thresholds: { goldenTop1Rank: 1 } }, /the threshold goldenTop1Rank must be a number above 1, got 1/],
    [{ thresholds: { top10Overlap: 1 } }, /the threshold top10Overlap must be a number in \[0, 1\), got 1/],
    [{ thresholds: { ulp: 1 } }, /there is no threshold 'ulp'/],
  ])('refuses %o', (options, message) => {
    expect(() => compareDumps(CLOSE, GOLDEN, options as object)).toThrow(message)
  })
})

describe('a limit on such a metric', () => {
  const OPEN = { klDivergence: Number.POSITIVE_INFINITY, cosineSimilarity: -1 }

  test('fails the token over it, and passes its honest neighbour', () => {
    const thresholds = { ...OPEN, totalVariation: 0.01 }
    const bad = compareDumps(BAD, GOLDEN, { dtype: 'fp32', thresholds, decoding: 'forced' })
    expect(bad.firstFailure).toMatchObject({ step: 5, verdict: 'over-threshold' })
    expect(bad.firstFailure!.reason).toMatch(/^total variation 0\.\d+ is not below 0\.01$/)
    expect(bad.counts).toMatchObject({ passed: 11, overThreshold: 1 })
    expect(bad.metrics).toEqual(['totalVariation'])
    expect(bad.thresholds.totalVariation).toBe(0.01)
    expect(compareDumps(CLOSE, GOLDEN, { dtype: 'fp32', thresholds }).pass).toBe(true)
  })

  test.each([
    ['top10Order', 0.95, /top-10 order \S+ is not above 0\.95/],
    ['goldenTop1Rank', 2, /golden top-1 rank \d+ is not below 2/],
    ['goldenTop1DeltaP', 0.01, /golden top-1 Δp -0\.\d+ is not nearer to 0 than 0\.01/],
    ['reverseKlDivergence', 0.01, /reverse KL \S+ is not below 0\.01/],
  ])('of %s', (key, limit, reason) => {
    const options = { dtype: 'fp32', thresholds: { ...OPEN, [key]: limit }, decoding: 'forced' } as const
    expect(compareDumps(BAD, GOLDEN, options).firstFailure).toMatchObject({ step: 5 })
    expect(compareDumps(BAD, GOLDEN, options).firstFailure!.reason).toMatch(reason)
    expect(compareDumps(CLOSE, GOLDEN, options).pass).toBe(true)
  })

  test('is strict, and judges the magnitude of a metric with a sign', () => {
    const shrunk = run(4, (step) => logits(step, WIDTH).map((x) => x * 0.5))
    const golden = run(4, (step) => logits(step, WIDTH))
    const at = (l1Norm: number) => compareDumps(shrunk, golden, { thresholds: { ...OPEN, l1Norm } }).firstFailure
    expect(at(0.5)).toMatchObject({ step: 0, reason: 'L1 norm -0.5 is not nearer to 0 than 0.5' })
    expect(at(0.51)).toBeUndefined()
  })

  test('leaves the rounding rule of the default limits as it is', () => {
    const golden = run(6, (step) => logits(step, WIDTH).map((x) => 4 * x))
    const rounded = torchDump(
      Array.from({ length: 6 }, (_, step) => ({
        values: logits(step, WIDTH).map((x) => 4 * x),
        dtype: 'bfloat16' as const,
      })),
    )
    const plain = compareDumps(rounded, golden, { dtype: 'bf16' })
    const limited = compareDumps(rounded, golden, { dtype: 'bf16', thresholds: { totalVariation: 0.9 } })
    expect(limited.tokens.map(({ verdict, reason }) => [verdict, reason])).toEqual(
      plain.tokens.map(({ verdict, reason }) => [verdict, reason]),
    )
  })
})

describe('rows that are rounded', () => {
  test('have no such metric, and a limit on it is undecided', () => {
    const [dump, golden] = ROUNDED
    const asked = compareListed(dump, golden, { dtype: 'bf16', metrics: ['totalVariation'] })
    expect(asked.pass).toBe(true)
    expect(asked.tokens.at(0)!.metrics).not.toHaveProperty('totalVariation')
    expect(passText(asked)).toContain('worst total variation      n/a: not known from these rows')
    const limited = compareListed(dump, golden, { dtype: 'bf16', thresholds: { totalVariation: 0.5, l1Norm: 1 } })
    expect(limited.firstFailure).toMatchObject({
      verdict: 'undecided',
      reason:
        'total variation, L1 norm have limits, but a row is rounded or known in part, from which they do not follow; compare whole rows of logits, or leave the limit out',
    })
  })
})

describe('the renderings show them', () => {
  const bad = compareListed(BAD, GOLDEN, {
    dtype: 'fp32',
    metrics: KEYS,
    thresholds: { totalVariation: 0.01 },
    decoding: 'forced',
  })
  const report = comparisonReport(bad, 'metrics')
  const token = bad.tokens.at(5)!
  const exact = (key: OptionalKey) => token.metrics![key]!

  test('message: a limited one with its limit, the others three a line, and the run', () => {
    const text = failureText(bad)
    expect(text).toMatch(/\n {2}total variation {5}0\.\d+ +must be < 0\.01\n/)
    expect(text).toMatch(/\n {2}reverse KL [\d.]+, Jensen-Shannon [\d.]+, top-10 overlap [\d.]+\n/)
    expect(text).toMatch(/\n {2}golden top-1 Δp {5}mean -?[\d.]+ ± [\d.]+, RMS [\d.]+, worst -0\.\d+ at token 5\n/)
    expect(text.split('\n').length).toBeLessThanOrEqual(40)
  })

  test('CSV: a column each, empty if it was not asked for', () => {
    const comparison = { project: '', file: '', test: '', testIsSure: true, ordinal: 1, repetition: 1, attempt: 1 }
    const row = (metrics: typeof token.metrics) =>
      csv
        .row({
          comparison: { ...comparison, matcher: 'compare', isNot: false, soft: false, poll: false },
          token: { ...token, metrics: metrics!, golden: undefined!, dump: undefined!, reason: '', index: 0 },
          reportRows: 1,
        })
        .split(',')
    const cells = row(token.metrics)
    for (const { key, csvName } of OPTIONAL) expect(Number(cells[CSV_COLUMNS.indexOf(csvName)])).toBe(exact(key))
    const { klDivergence } = token.metrics!
    for (const { csvName } of OPTIONAL) expect(row({ klDivergence })[CSV_COLUMNS.indexOf(csvName)]).toBe('')
  })

  test('JSON: exact values, the names that were asked for, and the statistics', () => {
    const read = parseReport('report.json', reportJson(reportDocument([report]))).comparisons[0]!
    expect(read.metrics).toEqual(KEYS)
    expect(read.thresholds!.totalVariation).toBe(0.01)
    for (const key of KEYS) expect(read.tokens[5]!.metrics![key]).toBe(exact(key))
    expect(read.statistics!.metrics!.map(({ key }) => key)).toEqual(KEYS.filter((key) => key !== 'ulp'))
  })

  test('HTML: columns of the table, details of the failing token, statistics and limits', () => {
    const page = htmlPage(reportDocument([report]))
    for (const { label } of OPTIONAL) expect(page).toContain(`<button type="button">${label}</button>`)
    expect(page).toMatch(/<tr><th scope="row">total variation<td>0\.\d+/)
    expect(page).toMatch(/<tr><th scope="row">golden top-1 Δp<td>mean −?-?[\d.e-]+ ± /)
    expect(page).toContain('total variation below 0.01')
    const rounded = compareListed(...ROUNDED, { dtype: 'bf16', metrics: ['l1Norm'] })
    expect(htmlPage(reportDocument([comparisonReport(rounded, 'kld')]))).toContain('<td>n/a')
  })

  test('Markdown: the run of each comparison, and the means', () => {
    const text = reportMarkdown(reportDocument([report]))
    expect(text).toContain(
      '| | comparison | tokens | first failing token, or why it fails | mean KL | 99 % | highest KL | same top-1 |',
    )
    expect(text).toMatch(/- metrics: reverse KL [\d.]+, worst [\d.]+ at 5; Jensen-Shannon/)
  })
})

test('each optional metric has a short label and its own column', () => {
  const source = readFileSync('docs/verdicts.md', 'utf8')
  for (const { key, label, csvName } of OPTIONAL) {
    expect(label.length).toBeLessThanOrEqual(18)
    expect(CSV_COLUMNS.filter((name) => name === csvName)).toHaveLength(1)
    expect(source).toContain(`| \`${key}\` | \`${csvName}\` |`)
  }
})
