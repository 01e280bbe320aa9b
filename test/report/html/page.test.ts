import { describe, expect, test } from 'vitest'
import { reportDocument } from '../../../src/report/document.js'
import { chartSvg } from '../../../src/report/html/chart.js'
import { escapeHtml, shortNumber } from '../../../src/report/html/escape.js'
import { htmlPage } from '../../../src/report/html/page.js'
import { reportMarkdown } from '../../../src/report/markdown.js'
import { inconclusive, longReport, partlyMissing, treeReport } from './build.js'

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

  test('says in its list of comparisons why each fails, whether or not a token does', () => {
    const bad = treeReport('b_token3_degraded')
    const problem = { verdict: 'error' as const, reason: 'there is <no> dump' }
    const html = page(bad, treeReport('a_clean_f32_vs_f16'), inconclusive(), { ...bad, tokens: [], problem })
    const [list] = html.split('</table>')
    const why = Array.from(list!.matchAll(/<td>([✗✓])<td>(.*?)<td>/g), ([, verdict, text]) => [verdict, text])
    expect(why).toEqual([
      ['✗', 'token 3: over-threshold'],
      ['✗', expect.stringMatching(/^2 of 8 tokens are comparable.{90,91}…$/)],
      ['✗', 'there is &#60;no&#62; dump'],
      ['✓', ''],
    ])
  })

  test('does not say that a comparison is within its limits if its test expects it to fail', () => {
    const bad = treeReport('b_token3_degraded')
    const html = page({ ...bad, pass: true })
    expect(html).toContain('<span class="badge">✓ fails, as its test expects</span>')
    expect(html).toContain('<h1>golden-logits: 1 comparison, all as their tests expect</h1>')
    expect(reportMarkdown(reportDocument([{ ...bad, pass: true }]))).toContain('✅ all as their tests expect')
    const honest = page(treeReport('a_clean_f32_vs_f16'))
    expect(honest).toContain('<span class="badge">✓ within limits</span>')
    expect(honest).toContain('<h1>golden-logits: 1 comparison, all within limits</h1>')
  })

  test('never shows a cosine similarity of 1 for rows that differ', () => {
    const report = treeReport('a_clean_f32_vs_f16')
    const minCosine = { value: 0.99999989, step: 4 }
    const html = page({ ...report, statistics: { ...report.statistics!, minCosine } })
    expect(html).toContain('lowest cosine similarity<td>0.99999989 at token 4')
  })

  test('begins the table at the first failing token', () => {
    expect(page(treeReport('b_token3_degraded'))).toContain('<table class="tokens" data-at="3">')
    expect(page(treeReport('a_clean_f32_vs_f16'))).toContain('<table class="tokens">')
  })

  test('the axis of a single token ends with it', () => {
    const report = treeReport('b_token3_degraded')
    const html = page({ ...report, tokens: report.tokens.slice(3, 4) })
    expect(html.match(/class="tick mid">[^<]*</g)).toEqual(['class="tick mid">3<'])
  })

  test('of a long comparison, the table has every failing token, and says what it leaves out', () => {
    // One in a hundred fails, from token 3 on.
    const html = page(longReport(20_000, 'long'))
    const rows = Array.from(html.matchAll(/<tr id="c0-t(\d+)"( class="bad)?/g), ([, step, bad]) => [Number(step), bad])
    expect(rows).toHaveLength(5000)
    expect(rows.filter(([, bad]) => bad).map(([step]) => step)).toEqual(
      Array.from({ length: 200 }, (_, i) => 100 * i + 3),
    )
    expect(html).toContain('<summary>Table of 5000 of 20000 tokens</summary>')
    expect(html).toContain(
      '(those that fail or whose top-1 differs, then the first others; the CSV and JSON reports have all)',
    )
    const report = longReport(5001, 'failing')
    const failing = { ...report, tokens: report.tokens.map((token) => ({ ...token, pass: false })) }
    expect(page(failing)).toContain('5000 of 5001 tokens (the first that fail or whose top-1 differs; the CSV')
    expect(page(longReport(5000, 'short')).match(/<tr id="c0-t/g)).toHaveLength(5000)
  })

  test('a chart of any length has a bounded size, and shows the highest value', () => {
    const chart = (tokens: number) => {
      const report = longReport(tokens, 'long')
      const peak = report.tokens.findIndex(({ step }) => step === tokens - 50)
      const high = { ...report.tokens[peak]!, metrics: { ...report.tokens[peak]!.metrics!, klDivergence: 1e6 } }
      return chartSvg({ ...report, tokens: report.tokens.with(peak, high) }, 'c0')
    }
    const [thousand, many] = [chart(1000), chart(200_000)]
    // A line through 200,000 points alone would take some 2 MB.
    expect(many.length).toBeLessThan(1e6)
    const highest = (svg: string) => {
      const line = /<path d="([^"]*)" class="values"/.exec(svg)![1]!
      return Math.min(...Array.from(line.matchAll(/,([\d.]+)/g), ([, y]) => Number(y)))
    }
    expect(highest(many)).toBe(highest(thousand))
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
