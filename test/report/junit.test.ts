import { expect, test } from 'vitest'
import { compareDumps, loadDump } from '../../src/index.js'
import { comparisonReport, reportDocument } from '../../src/report/document.js'
import { reportJunit } from '../../src/report/junit.js'
import { parseReport } from '../../src/report/parse-report.js'
import { rejudge } from '../../src/report/rejudge.js'
import { tree } from '../fixtures/trees.js'
import { inconclusive, partlyMissing, treeReport } from './html/build.js'
import { reportJson } from './report-json.js'
import { type Element, parseXml } from './xml.js'

const evil = 'a <img onerror="x"> & \u0007\u202e\n\ufffe\ud800]]> name'
const bad = treeReport('b_token3_degraded', evil)
const reports = [bad, treeReport('a_clean_f32_vs_f16'), partlyMissing(), inconclusive()]

function suitesOf(xml: string): Element[] {
  return parseXml(xml).children
}

function casesOf(xml: string): Element[] {
  return suitesOf(xml).map(({ children }) => children[1]!)
}

function factsOf({ children }: Element): Record<string, string> {
  const { name, children: properties } = children[0]!
  expect(name).toBe('properties')
  return Object.fromEntries(properties.map(({ attributes }) => [attributes.name!, attributes.value!]))
}

test('a test suite of one test for each comparison, with its counts, numbers and limits as properties', () => {
  const suites = suitesOf(reportJunit(reportDocument(reports)))
  expect(suites.map(({ children }) => children.map(({ name }) => name))).toEqual(
    reports.map(() => ['properties', 'testcase']),
  )
  reports.forEach(({ tokens, verdicts, statistics, thresholds }, i) => {
    const facts = factsOf(suites[i]!)
    expect(facts).toMatchObject({
      tokens: String(tokens.length),
      kl_limit: String(thresholds!.klDivergence),
      cosine_limit: String(thresholds!.cosineSimilarity),
      kl_divergence_max: String(statistics!.maxKl.value),
      kl_divergence_max_token: `token ${statistics!.maxKl.step}`,
      cosine_similarity_min: String(statistics!.minCosine!.value),
      top1_agreement: String(statistics!.top1Agreement.value),
    })
    const counts = Object.entries(facts).filter(([name]) => name.startsWith('tokens_'))
    expect(counts).toEqual(Object.entries(verdicts).map(([verdict, count]) => [`tokens_${verdict}`, String(count)]))
  })
  expect(factsOf(suites[0]!)).toMatchObject({
    first_failing_token: 'token 3',
    first_failing_kl_divergence: String(bad.tokens[3]!.metrics!.klDivergence),
    first_failing_cosine_similarity: String(bad.tokens[3]!.metrics!.cosineSimilarity),
  })
  expect(factsOf(suites[1]!)).not.toHaveProperty('first_failing_token')
})

test('a comparison that fails has its message whole; one that passes has none', () => {
  const xml = reportJunit(reportDocument(reports))
  const { attributes } = parseXml(xml)
  expect(attributes).toMatchObject({ name: 'golden-logits', tests: '4', failures: '3', errors: '0' })
  const failures = casesOf(xml).map(({ children }) => children.filter(({ name }) => name === 'failure'))
  expect(failures.map(({ length }) => length)).toEqual([1, 0, 1, 1])
  expect(failures[0]![0]!.text).toBe(bad.message)
  expect(failures.flat().map(({ attributes: { type, message } }) => [type, message])).toEqual([
    ['over-threshold', 'token 3: over-threshold'],
    ['missing', 'token 2: missing'],
    ['inconclusive', expect.stringContaining('2 of 8')],
  ])
})

test('names are text: no markup, no control or direction characters', () => {
  const [first] = casesOf(reportJunit(reportDocument([bad])))
  expect(first!.attributes.name).toBe('a <img onerror="x"> & \\x07\\u202e\\x0a\ufffd\\ud800]]> name')
})

test('an error is an error, and a comparison that is expected to fail passes', () => {
  const place = {
    project: 'unit',
    file: 'a.test.ts',
    ordinal: 2,
    repetition: 1,
    attempt: 1,
    matcher: 'toMatchGoldenLogits',
    durationMs: 1500,
  }
  const error = { name: 'breaks', isNot: false, expectation: 'error' as const }
  const expected = { name: 'differs', isNot: true, expectation: 'met' as const }
  const { message: _, ...judged } = bad
  const xml = reportJunit(
    reportDocument([
      {
        ...judged,
        title: 'a.test.ts > breaks',
        test: { ...place, ...error },
        problem: { verdict: 'error', reason: 'file-not-found: no dump' },
      },
      { ...judged, title: 'a.test.ts > differs', test: { ...place, ...expected }, pass: true },
    ]),
  )
  const suites = suitesOf(xml)
  expect(suites.map(({ attributes }) => attributes)).toEqual([
    { name: 'a.test.ts > breaks', tests: '1', failures: '0', errors: '1', time: '1.5' },
    { name: 'a.test.ts > differs', tests: '1', failures: '0', errors: '0', time: '1.5' },
  ])
  const [breaks, differs] = casesOf(xml)
  expect(breaks!.attributes).toEqual({
    classname: 'unit > a.test.ts',
    name: 'a.test.ts > breaks',
    time: '1.5',
  })
  expect(breaks!.children[0]).toMatchObject({
    name: 'error',
    attributes: { type: 'error' },
    text: 'file-not-found: no dump',
  })
  expect(differs!.children).toEqual([])
  expect(factsOf(suites[1]!)).toMatchObject({ matcher: 'not.toMatchGoldenLogits' })
})

/**
 * What `junit-10.xsd` of the xUnit plugin of Jenkins allows of what is written here: the plugin skips a file that breaks it.
 * https://github.com/jenkinsci/xunit-plugin/blob/8c515de/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
 */
const SCHEMA: Readonly<Record<string, { attributes: string[]; children: string[] }>> = {
  testsuites: { attributes: ['name', 'tests', 'failures', 'errors', 'time'], children: ['testsuite'] },
  testsuite: {
    attributes: ['name', 'tests', 'failures', 'errors', 'time'],
    children: ['testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
  },
  properties: { attributes: [], children: ['property'] },
  property: { attributes: ['name', 'value'], children: [] },
  testcase: {
    attributes: ['name', 'time', 'classname'],
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  failure: { attributes: ['type', 'message'], children: [] },
  error: { attributes: ['type', 'message'], children: [] },
}

function checkSchema({ name, attributes, children }: Element): void {
  const { attributes: known, children: allowed } = SCHEMA[name]!
  expect(known).toEqual(expect.arrayContaining(Object.keys(attributes)))
  if (name === 'testcase') expect(attributes.name).toBeDefined()
  if (name === 'testsuite') expect(Object.keys(attributes)).toEqual(expect.arrayContaining(known.slice(0, 4)))
  if (name.startsWith('testsuite')) expect(attributes.time).toMatch(/^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$/)
  for (const child of children) {
    expect(allowed).toContain(child.name)
    checkSchema(child)
  }
}

test('keeps the schema of Jenkins', () => {
  const problem = { verdict: 'error' as const, reason: 'no dump' }
  checkSchema(parseXml(reportJunit(reportDocument([...reports, { ...bad, problem }]))))
  // 0.1 + 0.2 has many digits.
  const test = { project: '', file: 'a', name: 'a', ordinal: 1, repetition: 1, attempt: 1, isNot: false, matcher: 'm' }
  const timed = (durationMs: number) => ({ ...bad, test: { ...test, expectation: 'not met' as const, durationMs } })
  const timedXml = parseXml(reportJunit(reportDocument([timed(100), timed(200)])))
  expect(timedXml.attributes.time).toBe('0.3')
  checkSchema(timedXml)
})

test('is the same from a report that was saved as JSON', () => {
  const document = reportDocument(reports)
  expect(reportJunit(parseReport('report.json', reportJson(document)))).toBe(reportJunit(document))
})

test('what a test accepts that fails stays accepted by other limits', () => {
  const test = {
    ...{ project: '', file: 'a.test.ts', name: 'polled', ordinal: 1, repetition: 1, attempt: 1 },
    ...{ matcher: 'toMatchGoldenLogits', isNot: false, expectation: 'not met' as const, hasPassed: true as const },
  }
  const failures = (document: ReturnType<typeof reportDocument>) => parseXml(reportJunit(document)).attributes.failures
  const polled = reportDocument([{ ...bad, pass: true, test }])
  expect(failures(polled)).toBe('0')
  expect(failures(rejudge(polled, { klDivergence: 1 }))).toBe('0')
  expect(failures(rejudge(reportDocument([bad]), { klDivergence: 1 }))).toBe('1')
})

test('metrics that were asked for, and warnings, are properties', () => {
  const sides = ['my', 'golden'].map((side) => loadDump(tree('b_token3_degraded', side as 'my')))
  const comparison = compareDumps(sides[0]!, sides[1]!, { dtype: 'bf16', metrics: ['totalVariation'] })
  const report = comparisonReport(comparison, 'metrics')
  const warned = { ...report, notes: [...report.notes, { weight: 'warning' as const, text: 'the dump may be frozen' }] }
  const [only] = suitesOf(reportJunit(reportDocument([warned])))
  const { mean, worst } = report.statistics!.metrics![0]!
  expect(factsOf(only!)).toMatchObject({
    total_variation_mean: String(mean),
    total_variation_worst: String(worst.value),
    warning: 'the dump may be frozen',
  })
})
