import { describe, expect, test } from 'vitest'
import { reportDocument } from '../../../src/report/document.js'
import { escapeHtml, shortNumber } from '../../../src/report/html/escape.js'
import { htmlPage } from '../../../src/report/html/page.js'
import { partlyMissing, treeReport } from './build.js'

const page = (...reports: Parameters<typeof reportDocument>[0]) => htmlPage(reportDocument(reports))

describe('the page', () => {
  test('names the first failing token, and has a row for every token', () => {
    const report = treeReport('b_token3_degraded')
    const html = page(report)
    expect(html).toContain('First failing token: <strong>3</strong>')
    expect(html.match(/<tr id="c0-t\d+"/g)).toHaveLength(12)
    expect(html).toContain('<tr id="c0-t3" class="bad flipped" data-s="3">')
    expect(html).toContain('<title>✗ golden-logits: 1 comparison, 1 fails</title>')
  })

  test('shows failing comparisons first, and links to them', () => {
    const html = page(treeReport('a_clean_f32_vs_f16'), treeReport('b_token3_degraded'))
    expect(html.indexOf('id="c1"')).toBeLessThan(html.indexOf('id="c0"'))
    expect(html).toContain('<a href="#c1">b_token3_degraded</a>')
    expect(html).toContain('golden-logits: 2 comparisons, 1 fails')
  })

  test('marks tokens that were not measured, each in the table with its reason', () => {
    const html = page(partlyMissing())
    for (const verdict of ['missing', 'unreadable', 'non-finite', 'extra']) expect(html).toContain(`<td>${verdict}<td>`)
    expect(html.match(/class="absent bad"/g)).toHaveLength(2)
  })

  test('draws the bounds of tokens that are known within bounds, and marks the failing one', () => {
    const report = treeReport('b_token3_degraded')
    const tokens = report.tokens.map(({ metrics, ...token }) => {
      const { klDivergence, cosineSimilarity } = metrics!
      const range = (value: number) => ({ lo: value * 0.9, hi: value * 1.1 })
      return { ...token, bounds: { klDivergence: range(klDivergence), cosineSimilarity: range(cosineSimilarity!) } }
    })
    const html = page({ ...report, tokens })
    expect(html.match(/class="range"/g)).toHaveLength(2 * 11)
    expect(html.match(/class="range bad"/g)).toHaveLength(2)
    expect(html.match(/class="mark bad"/g)).toHaveLength(2)
    expect(html).not.toContain('class="absent')
    const cell = /id="c0-t3".*?<td>over-threshold<td title="([^"]+)">(\S+) to (\S+?)<td/
      .exec(html)!
      .slice(1)
      .map(Number)
    const { hi, lo } = tokens[3]!.bounds.klDivergence
    expect(cell).toEqual([hi, lo, hi].map((value) => expect.closeTo(value, 3)))
  })

  test('draws no cosine similarity if no token has one', () => {
    const report = treeReport('b_token3_degraded')
    const tokens = report.tokens.map((token) => ({
      ...token,
      metrics: { klDivergence: token.metrics!.klDivergence },
    }))
    const html = page({ ...report, tokens })
    expect(html).toMatch(/<title id="c0-t">KL divergence by token</)
    expect(html).not.toContain('1 − cosine similarity')
    expect(html.match(/<td>n\/a/g)!.length).toBeGreaterThanOrEqual(12)
    expect(page(report)).toContain('1 − cosine similarity')
  })

  test('allows no request and no script but its own', () => {
    const html = page(treeReport('a_clean_f32_vs_f16'))
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(html)![1]
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; img-src data:;/)
    expect(html).not.toMatch(/(?:src|href)="(?!#|data:)/)
    expect(html).not.toMatch(/ on\w+=/)
  })
})

describe('text from outside stays text', () => {
  const evil = '<img src=x onerror=alert(1)>"\'&\u202e\n</script>'

  test('in every place', () => {
    const report = treeReport('b_token3_degraded', evil)
    const tokens = report.tokens.map((token) => ({
      ...token,
      reason: evil,
      golden: { ...token.golden!, files: [evil], layer: evil },
    }))
    const notes = [
      { weight: 'warning' as const, text: evil },
      { weight: 'info' as const, text: evil },
    ]
    const test = {
      project: evil,
      file: evil,
      name: evil,
      ordinal: 1,
      repetition: 1,
      attempt: 1,
      matcher: evil,
      isNot: false,
      expectation: 'met' as const,
    }
    const html = page({ ...report, tokens, notes, test, goldenPath: evil, dumpPath: evil, message: evil })
    expect(html).not.toContain('<img')
    expect(html.match(/<\/script>/g)).toHaveLength(1)
    expect(html).not.toContain('\u202e')
  })

  test.each([
    ['<a href="x">', '&#60;a href=&#34;x&#34;&#62;'],
    ["it's & co", 'it&#39;s &#38; co'],
    ['plain', 'plain'],
  ])('%s', (text, escaped) => {
    expect(escapeHtml(text)).toBe(escaped)
  })
})

test.each([
  [0, '0'],
  [19.499514, '19.4995'],
  [0.0000041623, '4.1623e-6'],
  [0.00123, '0.00123'],
  [Number.POSITIVE_INFINITY, '∞'],
  [Number.NaN, 'NaN'],
  [undefined, ''],
])('%s is shown as %s', (value, text) => {
  expect(shortNumber(value)).toBe(text)
})
