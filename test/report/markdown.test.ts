import { expect, test } from 'vitest'
import { compareDumps, loadDump } from '../../src/index.js'
import { OPTIONAL } from '../../src/metrics/optional/table.js'
import { type ComparisonReport, comparisonReport, reportDocument } from '../../src/report/document.js'
import { reportMarkdown } from '../../src/report/markdown.js'
import { tree } from '../fixtures/trees.js'

/** GitHub refuses a longer summary of a step. */
const MEBIBYTE = 2 ** 20

function report(): ComparisonReport {
  const [dump, golden] = ['my', 'golden'].map((side) => loadDump(tree('b_token3_degraded', side as 'my')))
  const metrics = OPTIONAL.map(({ key }) => key)
  return comparisonReport(compareDumps(dump!, golden!, { dtype: 'bf16', metrics }), 'gate')
}

test.each([
  ['markup', '|'],
  ['three bytes a character', '語'],
])('5,000 comparisons with the longest texts of %s fit into the summary of a step', (_, character) => {
  const one = report()
  const long = character.repeat(2000)
  const { statistics } = one
  const all: ComparisonReport = {
    ...one,
    problem: { verdict: 'error', reason: long },
    notes: Array.from({ length: 5 }, () => ({ weight: 'warning' as const, text: long })),
    together: { runs: 3, worst: long, statistics: statistics! },
  }
  for (const tokens of [one.tokens, []]) {
    const comparisons = Array.from({ length: 5000 }, (_, i) => ({ ...all, tokens, title: `${i} ${long}` }))
    const text = reportMarkdown(reportDocument(comparisons))
    expect(Buffer.byteLength(text)).toBeLessThan(MEBIBYTE)
    expect(text).toContain('❌ 5000 of 5000 not within the limits')
    expect(text).toContain('\nand 4900 more comparisons\n')
    // Runs together, and metrics; each comparison has five warnings.
    expect(text.match(/^- and 4980 more$/gm)).toHaveLength(2)
    expect(text).toContain('\n- and 24980 more\n')
  }
})

test('one comparison more than the table has is one comparison', () => {
  const comparisons = Array.from({ length: 101 }, (_, i) => ({ ...report(), title: `gate ${i}` }))
  expect(reportMarkdown(reportDocument(comparisons))).toContain('\nand 1 more comparison\n')
})

test('names are text: no markup of Markdown, HTML or mathematics', () => {
  const name = 'a|b `c` *d* _e_ [f](http://g) <img src=x> $x$ ~~h~~ # i\n\\'
  const text = reportMarkdown(reportDocument([{ ...report(), title: name }]))
  const row = text.split('\n').find((line) => line.startsWith('| ❌'))!
  const cells = row.split(' | ').map((cell) => cell.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)))
  expect(row.split('|')).toHaveLength(10)
  expect(row).not.toMatch(/[`*_<>$~[\]]/)
  // A line break is escaped as in every report.
  expect(cells[1]).toBe(name.replace('\n\\', '\\x0a\\'))
})
