import { describe, expect, test } from 'vitest'
import { GoldenLogitsError } from '../../src/index.js'
import { reportDocument } from '../../src/report/document.js'
import { parseReport, reportJson } from '../../src/report/json.js'
import { partlyMissing, treeReport } from './html/build.js'

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
    const document = reportDocument([{ ...report, tokens }])
    expect(parseReport('report.json', reportJson(document))).toEqual(document)
  })
})

describe('what is no report is refused', () => {
  test.each([
    ['a cut one', reportJson(reportDocument([])).slice(0, -5), /report\.json: it is not JSON \(.*\): was it cut off\?/],
    ['other JSON', '{"a":1}', /it is not a report of golden-logits/],
    ['null', 'null', /it is not a report of golden-logits/],
    ['a later version', '{"format":"golden-logits-report","version":2}', /it is a report of version 2, expected 1/],
    ['one without comparisons', '{"format":"golden-logits-report","version":1}', /it has no list of comparisons/],
  ])('%s', (_, text, message) => {
    const parse = () => parseReport('report.json', text)
    expect(parse).toThrow(GoldenLogitsError)
    expect(parse).toThrow(message)
  })
})
