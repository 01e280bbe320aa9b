import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Element, parseXml } from '../report/xml.js'
import { ended, JEST, Project, REPORTS } from './project.js'

const FIRST_LINE = 'First token over threshold: token 3     (12 tokens compared, 1 over, 0 missing)'
const LAST_LINE = /same top-1 +91\.7 ± 8\.33 % of 12/

const CASES = {
  vitest: [
    ...['=1+1, "quoted" soft', '=1+1, "quoted" soft, comparison 2'],
    ...['=1+1, "quoted" two comparisons', '=1+1, "quoted" two comparisons, comparison 2'],
    ...['fails', 'fails as it should', 'misuse', 'passes'],
    ...['polled', 'polled, comparison 2', 'polled, comparison 3', 'same name', 'same name (2)'],
  ],
  jest: [
    ...['=1+1, "quoted" two comparisons', '=1+1, "quoted" two comparisons, comparison 2'],
    ...['fails', 'misuse', 'passes', 'same name', 'same name (2)'],
  ],
}
const FAILING = { vitest: ['=1+1, "quoted" soft', 'fails', 'misuse'], jest: ['fails', 'misuse'] }

function suitesOf(project: Project, name: string): Element[] {
  return parseXml(readFileSync(project.path(name), 'utf8')).children
}

function casesOf(project: Project, name: string): Element[] {
  return suitesOf(project, name).flatMap(({ children }) => children.filter((child) => child.name === 'testcase'))
}

test.each(['vitest', 'jest'] as const)('the reporter writes JUnit XML with every comparison of %s', async (runner) => {
  const project = new Project(runner)
  const env = { CSV: 'report.csv', JUNIT: 'reports/logits.xml' }
  const { code, stderr } = await (runner === 'vitest'
    ? project.vitest(['basics'], env)
    : ended(project.start(JEST, ['--testPathPatterns', 'basics'], env)))
  expect(code).toBe(1)
  expect(stderr).toMatch(/^golden-logits: \S+\/reports\/logits\.xml$/m)
  const rows = project.report('report.csv')
  const cases = casesOf(project, 'reports/logits.xml')
  expect(cases.map(({ attributes }) => attributes.name!.split(' > ')[1])).toEqual(CASES[runner])
  // As the runner says: a polled comparison and a test that is expected to fail pass.
  const failing = cases.filter(({ children }) => children.length > 0)
  expect(failing.map(({ attributes }) => attributes.name!.split(' > ')[1])).toEqual(FAILING[runner])
  const fails = cases.find(({ attributes }) => attributes.name!.endsWith(' > fails'))!
  const suite = suitesOf(project, 'reports/logits.xml').find(
    ({ attributes }) => attributes.name === fails.attributes.name,
  )
  const properties = suite!.children.find(({ name }) => name === 'properties')!.children
  const facts = Object.fromEntries(properties.map(({ attributes: { name, value } }) => [name, value]))
  const row = rows.find(({ test_name, token_id }) => test_name === 'fails' && token_id === '3')!
  expect(facts.first_failing_token).toBe('token 3')
  expect(Number(facts.first_failing_kl_divergence)).toBe(Number(row.kl_divergence))
  expect(fails.children[0]!.attributes).toEqual({ type: 'over-threshold', message: 'token 3: over-threshold' })
})

/** Tests whose comparisons share a name: rows of a table, repetitions, a retry, and two comparisons of one test. */
const SAME = (each: string) => `
  const good = () => expect(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { steps: [1] })
  test.each([1, 2])('row', () => { good(); good() })
  let tries = 0
  const flaky = () => { good(); expect(++tries).toBe(2) }
  ${each}
`

test.each([
  ['vitest', ['flaky', 'repeated', 'repeated, repetition 2', 'repeated, repetition 3']],
  ['jest', ['flaky']],
] as const)('no two comparisons of %s share a name in any report', async (runner, others) => {
  const project = new Project(runner)
  const options = "['golden-logits/reporter', { csv: 'report.csv', html: true, json: true, junit: true }]"
  const [file, config, imports, each, settings] = {
    vitest: [
      'same.test.mjs',
      'vitest.config.mjs',
      "import 'golden-logits/vitest'\nimport { expect, test } from 'vitest'\nimport { dump, golden } from '../dumps.mjs'",
      "test('flaky', { retry: 2 }, flaky)\ntest('repeated', { repeats: 2 }, good)",
      `export default { test: { reporters: [${options}], include: ['same.test.mjs'] } }`,
    ],
    jest: [
      'same.test.cjs',
      'jest.config.cjs',
      "require('golden-logits/jest')\nconst { dump, golden } = require('../dumps.cjs')\njest.retryTimes(2)",
      "test('flaky', flaky)",
      `module.exports = { testMatch: ['<rootDir>/same.test.cjs'], transform: {}, reporters: [${options}] }`,
    ],
  }[runner]
  writeFileSync(project.path(file), `${imports}\n${SAME(each)}`)
  writeFileSync(project.path(config), settings)
  const env = { GITHUB_STEP_SUMMARY: project.path('summary.md') }
  const { code } = await (runner === 'vitest' ? project.vitest([], env) : ended(project.start(JEST, [], env)))
  expect(code).toBe(0)
  const rows = ['row', 'row, comparison 2', 'row (2)', 'row, comparison 2 (2)']
  const expected = [...others, ...rows].map((name) => `${file} > ${name}`).sort()
  const { comparisons } = JSON.parse(readFileSync(project.path(REPORTS, 'report.json'), 'utf8'))
  expect(comparisons.map(({ title }: { title: string }) => title).sort()).toEqual(expected)
  const names = casesOf(project, `${REPORTS}/junit.xml`).map(({ attributes }) => attributes.name)
  expect(names.sort()).toEqual(expected)
  const html = readFileSync(project.path(REPORTS, 'report.html'), 'utf8')
  const headings = [...html.matchAll(/<h2 [^>]*>.*<\/span> (.*)<\/h2>/g)].map(([, name]) => name)
  expect(headings.sort()).toEqual(expected.map((name) => name.replaceAll('>', '&#62;')))
  const ids = Array.from(html.matchAll(/ id="([^"]*)"/g), ([, id]) => id)
  expect(new Set(ids).size).toBe(ids.length)
  const summary = readFileSync(project.path('summary.md'), 'utf8').match(/^\| ✅ \| .*? \|/gm)
  expect(new Set(summary).size).toBe(expected.length)
})

test("Vitest's own JUnit and blob reports carry the message whole", async () => {
  const project = new Project('vitest')
  const reporters = [
    '--reporter=junit',
    '--outputFile.junit=junit.xml',
    '--reporter=blob',
    '--outputFile.blob=blobs/1.json',
  ]
  const { code } = await project.vitest(['basics', '-t', 'fails', ...reporters])
  expect(code).toBe(1)
  const [fails] = casesOf(project, 'junit.xml').filter(({ attributes }) => attributes.name === 'fails')
  const failure = fails!.children.find(({ name }) => name === 'failure')!
  expect(failure.text).toContain(FIRST_LINE)
  expect(failure.text).toMatch(LAST_LINE)
  const merged = await project.vitest(['--merge-reports=blobs', '--reporter=default'])
  expect(merged.code).toBe(1)
  expect(merged.stderr).toContain(FIRST_LINE)
  expect(merged.stderr).toMatch(LAST_LINE)
})
