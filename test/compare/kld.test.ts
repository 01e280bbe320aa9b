import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { runStatistics } from '../../src/compare/statistics.js'
import { compareDumps, loadDump, logitsOf } from '../../src/index.js'
import { comparisonReport, reportDocument } from '../../src/report/document.js'
import { htmlPage } from '../../src/report/html/page.js'
import { kldBytes } from '../build/kld.js'
import { writeTree } from '../build/tree.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { reportJson } from '../report/report-json.js'

const FOLDER = 'test/fixtures/kld'
const EXPECTED: Readonly<Record<string, number[]>> = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8'))

const ROOT = writeTree(
  Object.fromEntries(
    ['f32', 'f16', 'q8_0'].map((build) => [
      `wide-${build}.kld`,
      gunzipSync(readFileSync(join(FOLDER, `wide-${build}.kld.gz`))),
    ]),
  ),
)

const wide = (build: string) => join(ROOT, `wide-${build}.kld`)
const narrow = (build: string) => join(FOLDER, `narrow-${build}.kld`)

/** The numbers that llama-perplexity printed behind a name. */
function printed(file: string, name: string): number[] {
  const line = readFileSync(join(FOLDER, file), 'utf8')
    .split('\n')
    .find((text) => text.trim().startsWith(name))!
  return line
    .slice(line.indexOf(':') + 1)
    .match(/-?[\d.]+/g)!
    .map(Number)
}

describe('two base files give the statistics that llama-perplexity --kl-divergence prints', () => {
  test.each(['q8_0', 'f16'])('%s against f32, rows far wider than 16 nats', (build) => {
    const { tokens } = compareDumps(wide(build), wide('f32'), { dtype: 'bf16' })
    const statistics = runStatistics(tokens)!
    const file = `wide-${build}-against-f32.txt`
    // It evaluates one side without rounding; ln p is rounded to 2.44e-4 in the file.
    const [mean, error] = printed(file, 'Mean    KLD') as [number, number]
    expect(Math.abs(statistics.meanKl - mean)).toBeLessThan(5e-6)
    // The noise of the rounding is part of its error of rows that hardly differ.
    expect(Math.abs(statistics.meanKlError! - error)).toBeLessThan(2e-6)
    expect(Math.abs(statistics.maxKl.value - printed(file, 'Maximum KLD')[0]!)).toBeLessThan(1e-4)
    for (const { percent, value } of statistics.klPercentiles) {
      const name = percent === 50 ? 'Median  KLD' : `${percent.toFixed(1)}%   KLD`
      expect(Math.abs(value - printed(file, name)[0]!), name).toBeLessThan(1e-4)
    }
    const [share, shareError] = printed(file, 'Same top p') as [number, number]
    expect((100 * statistics.top1Agreement.value).toFixed(3)).toBe(share.toFixed(3))
    expect((100 * statistics.top1Agreement.error).toFixed(3)).toBe(shareError.toFixed(3))
  })

  test('the first chunk, of which it prints a line', () => {
    const { tokens } = compareDumps(narrow('q8_0'), narrow('f32'), { dtype: 'bf16' })
    const statistics = runStatistics(tokens)!
    // `1  4178.8053 ± 2269.5086  0.00122 ± 0.01018  0.00133 ± 0.00009  0.268 ± 0.087 %  96.774 ± 3.226 %`
    expect(statistics.meanKl.toFixed(5)).toBe('0.00133')
    expect(Math.abs(statistics.meanKlError! - 0.00009)).toBeLessThan(1e-5)
    const { value, error } = statistics.top1Agreement
    expect([100 * value, 100 * error].map((share) => share.toFixed(3))).toEqual(['96.774', '3.226'])
  })

  test.each([
    ['wide-q8_0', wide('q8_0'), wide('f32')],
    ['wide-f16', wide('f16'), wide('f32')],
    ['narrow-q8_0', narrow('q8_0'), narrow('f32')],
  ])('each row of %s is what NumPy computes from the codes, and within its bounds', (name, dump, golden) => {
    const { tokens } = compareDumps(dump, golden, { dtype: 'bf16' })
    expect(tokens.length).toBe(EXPECTED[name]!.length)
    for (const [i, { metrics, bounds }] of tokens.entries()) {
      const exact = EXPECTED[name]![i]!
      expect(Math.abs(metrics!.klDivergence - exact)).toBeLessThan(1e-12 + 1e-9 * exact)
      expect(bounds!.klDivergence.lo).toBeLessThanOrEqual(exact)
      expect(bounds!.klDivergence.hi).toBeGreaterThan(exact)
    }
  })
})

describe('the verdict', () => {
  test('passes, is over the limit, or undecided, by what the file leaves open', () => {
    const verdicts = (build: string, klDivergence: number) => {
      const { tokens } = compareDumps(wide(build), wide('f32'), { dtype: 'bf16', thresholds: { klDivergence } })
      return new Set(tokens.map(({ verdict }) => verdict))
    }
    expect(verdicts('f16', 0.001)).toEqual(new Set(['pass']))
    expect(verdicts('q8_0', 0.0000001)).toContain('over-threshold')
    // Between the floor's effect and nothing: a limit below it decides nothing, even for a file and itself.
    expect(verdicts('f32', 1e-6)).toEqual(new Set(['undecided']))
    expect(verdicts('f32', 0.001)).toEqual(new Set(['pass']))
  })

  test('an undecided token says between which bounds, on which condition, and what to do', () => {
    const { firstFailure } = compareDumps(wide('f32'), wide('f32'), { dtype: 'fp32' })
    expect(firstFailure).toMatchObject({ step: 0, verdict: 'undecided' })
    expect(firstFailure!.reason).toMatch(
      /^KL divergence lies in \[0, \S+\], which contains its limit 0.000001 if no vocab id at the floor of a row moved by over 1 nat; rows of a \.kld file cannot decide it: compare logits, or set a limit outside of that range$/,
    )
  })

  test('without dtype the limits of fp16 hold, with a warning; the option dtype ends it', () => {
    const warnings = (options: object) => compareDumps(wide('f16'), wide('f32'), options).warnings
    expect(warnings({})).toEqual([
      "log-probabilities do not show the precision of their build: the limits of fp16 are taken; if that is right, set dtype: 'fp16'",
    ])
    expect(warnings({ dtype: 'fp16' })).toEqual([])
  })

  test('a flip ends nothing: both runs were fed the text of the file', () => {
    const { counts, decoding } = compareDumps(wide('q8_0'), wide('f32'), { dtype: 'bf16' })
    expect(counts).toMatchObject({ total: 186, notComparable: 0 })
    expect(decoding).toBe('forced')
  })
})

describe('the text that was fed', () => {
  const rows = [[1, 2, 3, 4]]
  const write = (tokens: number[], contextLength = 4) =>
    join(
      writeTree({ 'a.kld': kldBytes({ contextLength, tokens, rows: tokens.length > 4 ? [...rows, ...rows] : rows }) }),
      'a.kld',
    )
  const golden = write([0, 1, 2, 3])

  test('must be the same', () => {
    const dump = write([0, 1, 3, 3])
    const text =
      'the two runs read different texts: at position 2 (token 2 of chunk 0) the golden has vocab id 2, the dump 3'
    expectRefusal(() => compareDumps(dump, golden), 'nothing-to-compare', text, dump)
    expect(compareDumps(write([0, 1, 2, 3]), golden).pass).toBe(true)
  })

  test('must have as many chunks', () => {
    const dump = write([0, 1, 2, 3, 0, 1, 2, 3])
    expectRefusal(() => compareDumps(dump, golden), 'nothing-to-compare', 'the golden holds 1 chunks, the dump 2', dump)
  })

  test('must be cut in the same way', () => {
    const dump = write([0, 1, 2], 3)
    expectRefusal(
      () => compareDumps(dump, golden),
      'nothing-to-compare',
      'in chunks of 4 tokens, the dump in chunks of 3',
      dump,
    )
  })
})

describe('cosine similarity does not follow from log-probabilities', () => {
  const comparison = compareDumps(narrow('q8_0'), narrow('f32'), { dtype: 'bf16' })
  const report = reportDocument([comparisonReport(comparison, 'builds')])

  test('it is absent from the data, and JSON and HTML say what the rows hold', () => {
    for (const { metrics } of comparison.tokens) expect(Object.keys(metrics!)).toEqual(['klDivergence'])
    const json = JSON.parse(reportJson(report)).comparisons[0]
    expect(json.tokens[0].golden).toMatchObject({ kind: 'log-probabilities', dtype: 'uint16' })
    expect(json.tokens[0].metrics).not.toHaveProperty('cosineSimilarity')
    expect(json.statistics).not.toHaveProperty('minCosine')
    const html = htmlPage(report)
    expect(html).toContain('<td>n/a')
    expect(html).toContain('lowest cosine similarity<td>n/a')
  })

  test('the message says so', () => {
    expect(comparisonReport(comparison, '').message).toContain(
      'lowest cosine similarity   n/a: log-probabilities have none',
    )
  })
})

describe('a base file against logits', () => {
  const logits = [Float32Array.of(1, 4, 2, 0.5, -30), Float32Array.of(0, 1, 2, 3, -1)]
  const file = join(
    writeTree({ 'a.kld': kldBytes({ contextLength: 4, tokens: [0, 1, 2, 3, 0, 1, 2, 4], rows: logits }) }),
    'a.kld',
  )

  test('of the same model they agree', () => {
    for (const [dump, golden] of [
      [logitsOf(logits), loadDump(file)],
      [loadDump(file), logitsOf(logits)],
    ] as const) {
      const comparison = compareDumps(dump, golden, { dtype: 'fp16', decoding: 'forced' })
      expect(comparison.tokens.map(({ verdict }) => verdict)).toEqual(['pass', 'pass'])
      expect(comparison.tokens[1]!.metrics!.klDivergence).toBeLessThan(1e-8)
    }
  })

  test('a changed logit is over the limit', () => {
    const changed = [logits[0]!, Float32Array.of(0, 1, 2, 3.5, -1)]
    const { tokens } = compareDumps(logitsOf(changed), loadDump(file), { dtype: 'fp16', decoding: 'forced' })
    expect(tokens.map(({ verdict }) => verdict)).toEqual(['pass', 'over-threshold'])
    // NumPy: p = softmax([0, 1, 2, 3, -1]), q = softmax([0, 1, 2, 3.5, -1]); (p * np.log(p / q)).sum()
    expect(tokens[1]!.metrics!.klDivergence).toBeCloseTo(0.02740591, 5)
  })

  test('an id that the dump rules out is infinitely far', () => {
    const masked = [logits[0]!, Float32Array.of(0, Number.NEGATIVE_INFINITY, 2, 3, -1)]
    const { tokens } = compareDumps(logitsOf(masked), loadDump(file), { dtype: 'fp16', decoding: 'forced' })
    expect(tokens[1]).toMatchObject({ verdict: 'over-threshold', metrics: { klDivergence: Number.POSITIVE_INFINITY } })
  })

  test('a KL limit that gates nothing is an error, as there is no cosine similarity', () => {
    const limit = (klDivergence: number) =>
      compareDumps(logitsOf(logits), loadDump(file), { dtype: 'fp16', thresholds: { klDivergence } })
    expect(() => limit(1e300)).toThrow(
      'thresholds gate nothing: klDivergence 1e+300 (from 103.3 nats on, a float32 softmax is 0) and log-probabilities, which have no cosine similarity, let any logits pass',
    )
    expect(limit(1).pass).toBe(true)
  })

  test('one that the golden holds at its floor leaves it undecided', () => {
    const masked = [Float32Array.of(1, 4, 2, 0.5, Number.NEGATIVE_INFINITY), logits[1]!]
    const { tokens } = compareDumps(logitsOf(masked), loadDump(file), { dtype: 'fp16', decoding: 'forced' })
    expect(tokens.map(({ verdict }) => verdict)).toEqual(['undecided', 'pass'])
  })

  test('of another vocabulary are a mismatch, unless vocabSize cuts the padding', () => {
    const padded = logits.map((row) => Float32Array.of(...row, -100))
    const { tokens } = compareDumps(logitsOf(padded), loadDump(file), { dtype: 'fp16' })
    expect(tokens[0]).toMatchObject({ verdict: 'shape-mismatch' })
    expect(tokens[0]!.reason).toContain('set the option vocabSize: 5')
    expect(compareDumps(logitsOf(padded), loadDump(file), { dtype: 'fp16', vocabSize: 5 }).counts.passed).toBe(2)
    const heavy = logits.map((row) => Float32Array.of(...row, 2))
    const cut = compareDumps(logitsOf(heavy), loadDump(file), { dtype: 'fp16', vocabSize: 5 })
    expect(cut.tokens[0]).toMatchObject({ verdict: 'shape-mismatch' })
  })
})
