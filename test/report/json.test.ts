import { describe, expect, test } from 'vitest'
import { GoldenLogitsError } from '../../src/index.js'
import { reportDocument } from '../../src/report/document.js'
import { parseReport } from '../../src/report/parse-report.js'
import { partlyMissing, treeReport } from './html/build.js'
import { reportJson } from './report-json.js'

describe('a report as JSON', () => {
  test('reads back as it was, with NaN and infinities', () => {
    const report = treeReport('b_token3_degraded')
    const tokens = report.tokens.map((token, i) =>
      i === 1 ? { ...token, metrics: { ...token.metrics!, klDivergence: Number.POSITIVE_INFINITY } } : token,
    )
    const document = reportDocument([{ ...report, tokens }, partlyMissing()])
    expect(parseReport('report.json', reportJson(document))).toEqual(document)
  })

  test('is plain JSON with one token a line', () => {
    const text = reportJson(reportDocument([treeReport('b_token3_degraded')]))
    expect(JSON.parse(text)).toMatchObject({ format: 'golden-logits-report', version: 1 })
    expect(text.split('\n').filter((line) => line.includes('"verdict":"over-threshold"'))).toHaveLength(1)
  })

  test('keeps a file that is named like a number', () => {
    const report = treeReport('a_clean_f32_vs_f16', 'NaN')
    const tokens = [{ ...report.tokens[0]!, golden: { files: ['NaN'], layer: 'Infinity' }, reason: 'NaN' }]
    tokens[0]!.layer = { name: 'NaN', type: 'Infinity', outputError: Number.NaN }
    const document = reportDocument([{ ...report, verdicts: { pass: 1 }, tokens }])
    expect(parseReport('report.json', reportJson(document))).toEqual(document)
  })
})

const TOKEN = { step: 0, verdict: 'pass', pass: true, reason: '' }
const GOOD = { title: 'a', pass: true, verdicts: { pass: 1 }, notes: [], tokens: [TOKEN] }

function reportOf(comparison: unknown): string {
  return JSON.stringify({ format: 'golden-logits-report', version: 1, comparisons: [comparison] })
}

test('what a later version adds is left out', () => {
  const known = parseReport('report.json', reportOf(GOOD))
  expect(known.comparisons).toEqual([GOOD])
  const more = { ...GOOD, later: [1], tokens: [{ ...TOKEN, __proto__: null, later: 'x' }] }
  const text = reportOf(more).replace('"later":[1]', '"__proto__":{"pass":false}')
  expect(parseReport('report.json', text)).toEqual(known)
})

describe('what is no report is refused', () => {
  test.each([
    ['a cut one', reportJson(reportDocument([])).slice(0, -5), /report\.json: it is not JSON \(.*\): was it cut off\?/],
    ['other JSON', '{"a":1}', /it is not a report of golden-logits/],
    ['null', 'null', /it is not a report of golden-logits/],
    ['a later version', '{"format":"golden-logits-report","version":2}', /it is a report of version 2, expected 1/],
    [
      'one without comparisons',
      '{"format":"golden-logits-report","version":1}',
      /report\.json: comparisons is absent, expected a value \(golden-logits\/report\.schema\.json\): was it edited\?/,
    ],
  ])('%s', (_, text, message) => {
    const parse = () => parseReport('report.json', text)
    expect(parse).toThrow(GoldenLogitsError)
    expect(parse).toThrow(message)
  })
  test.each<readonly [unknown, RegExp]>([
    [{}, /comparisons\[0\]\.title is absent, expected a value/],
    [null, /comparisons\[0\] is null, expected an object/],
    [[], /comparisons\[0\] is a list, expected an object/],
    [{ ...GOOD, title: 5 }, /comparisons\[0\]\.title is 5, expected a string/],
    [{ ...GOOD, pass: 'yes' }, /comparisons\[0\]\.pass is 'yes', expected a boolean/],
    [{ ...GOOD, tokens: 'abc' }, /comparisons\[0\]\.tokens is 'abc', expected a list/],
    [{ ...GOOD, tokens: [{ ...TOKEN, step: '<b>' }] }, /tokens\[0\]\.step is '<b>', expected a number/],
    [{ ...GOOD, tokens: [{ ...TOKEN, verdict: 'ok' }] }, /tokens\[0\]\.verdict is 'ok', expected "pass" or /],
    [{ ...GOOD, tokens: [] }, /report\.json: a: there are 0 tokens, and verdicts of 1: was it edited\?/],
    [{ ...GOOD, tokens: [TOKEN, TOKEN] }, /a: there are 2 tokens, and verdicts of 1/],
  ])('a comparison that is %j', (comparison, message) => {
    const parse = () => parseReport('report.json', reportOf(comparison))
    expect(parse).toThrow(GoldenLogitsError)
    expect(parse).toThrow(message)
  })

  test('a list of lists, however deep', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const parse = () => parseReport('report.json', reportOf({ ...GOOD, title: 'DEEP' }).replace('"DEEP"', deep))
    expect(parse).toThrow(GoldenLogitsError)
    expect(parse).toThrow(/report\.json: comparisons\[0\]\.title is a list, expected a string/)
  })
})

test('a report whose statistics lack a percentile that is shown is refused', () => {
  const report = reportDocument([treeReport('a_clean_f32_vs_f16', 'a')])
  const statistics = report.comparisons[0]!.statistics!
  const edited = (percent: number) => {
    const klPercentiles = statistics.klPercentiles.filter((one) => one.percent !== percent)
    const comparison = { ...report.comparisons[0]!, statistics: { ...statistics, klPercentiles } }
    return () => parseReport('report.json', reportJson({ ...report, comparisons: [comparison] }))
  }
  expect(edited(-1)()).toEqual(report)
  expect(edited(99)).toThrow(GoldenLogitsError)
  expect(edited(99)).toThrow(/: a: a list of percentiles in its statistics lacks that of 99 %: was it edited\?$/)
})
