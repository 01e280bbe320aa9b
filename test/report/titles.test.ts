import { describe, expect, test } from 'vitest'
import { type ComparisonReport, reportDocument } from '../../src/report/document.js'
import { htmlPage } from '../../src/report/html/page.js'
import { reportJunit } from '../../src/report/junit.js'
import { reportMarkdown } from '../../src/report/markdown.js'
import { comparisonTitle } from '../../src/report/rows.js'
import { treeReport } from './html/build.js'
import { parseXml } from './xml.js'

const titled = (...titles: string[]): ComparisonReport[] => {
  const report = treeReport('a_clean_f32_vs_f16')
  return titles.map((title) => ({ ...report, title }))
}
const titlesOf = (...titles: string[]) => reportDocument(titled(...titles)).comparisons.map(({ title }) => title)

describe('comparisons of the same title', () => {
  test('are numbered; others keep their titles', () => {
    expect(titlesOf('a', 'b', 'a', 'a')).toEqual(['a', 'b', 'a (2)', 'a (3)'])
  })

  test('never get a title that another comparison has', () => {
    expect(titlesOf('a', 'a', 'a (2)', 'a')).toEqual(['a', 'a (3)', 'a (2)', 'a (4)'])
    expect(titlesOf('a (2)', 'a', 'a')).toEqual(['a (2)', 'a', 'a (3)'])
  })

  test('are numbered if they differ only where long titles are cut', () => {
    const long = (middle: string) => `${'x'.repeat(400)}${middle}${'y'.repeat(400)}`
    expect(titlesOf(long('1'), long('2'))).toEqual([long('1'), `${long('2')} (2)`])
  })

  test('keep their numbers when a report is made of them again', () => {
    const once = titlesOf('a', 'a', 'a')
    expect(titlesOf(...once)).toEqual(once)
  })

  test('differ in every rendering', () => {
    const document = reportDocument(titled('same', 'same'))
    const suites = parseXml(reportJunit(document)).children
    const cases = suites.flatMap(({ children }) => children.filter(({ name }) => name === 'testcase'))
    expect(suites.map(({ attributes }) => attributes.name)).toEqual(['same', 'same (2)'])
    expect(cases.map(({ attributes }) => attributes.name)).toEqual(['same', 'same (2)'])
    const html = htmlPage(document)
    for (const name of ['>same</a>', '>same (2)</a>']) expect(html.split(name)).toHaveLength(2)
    const regions = [...html.matchAll(/role="region" aria-label="([^"]*)"/g)].map(([, label]) => label)
    expect(regions).toEqual(['Tokens of same', 'Tokens of same (2)'])
    expect(reportMarkdown(document).match(/\| same(?! top).*? \|/g)).toEqual(['| same |', '| same &#40;2&#41; |'])
  })
})

test.each([
  [{}, 'a.test.ts > gate'],
  [{ ordinal: 2 }, 'a.test.ts > gate, comparison 2'],
  [{ repetition: 3 }, 'a.test.ts > gate, repetition 3'],
  [{ repetition: 2, ordinal: 2 }, 'a.test.ts > gate, repetition 2, comparison 2'],
  [{ project: 'npu' }, 'npu > a.test.ts > gate'],
  [{ test: '' }, 'a.test.ts'],
])('the title of %j', (facts, title) => {
  const place = { project: '', file: 'a.test.ts', test: 'gate', repetition: 1, ordinal: 1 }
  expect(comparisonTitle({ ...place, ...facts })).toBe(title)
})
