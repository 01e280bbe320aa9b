import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Element, parseXml } from '../report/xml.js'
import { ended, JEST, Project } from './project.js'

const FIRST_LINE = 'First token over threshold: token 3     (12 tokens compared, 1 over, 0 missing)'
const LAST_LINE = /same top-1 +91\.7 ± 8\.33 % of 12/

const CASES = {
  vitest: [
    ...['=1+1, "quoted" soft', '=1+1, "quoted" soft, comparison 2'],
    ...['=1+1, "quoted" two comparisons', '=1+1, "quoted" two comparisons, comparison 2'],
    ...['fails', 'fails as it should', 'misuse', 'passes'],
    ...['polled', 'polled, comparison 2', 'polled, comparison 3', 'same name', 'same name'],
  ],
  jest: [
    ...['=1+1, "quoted" two comparisons', '=1+1, "quoted" two comparisons, comparison 2'],
    ...['fails', 'misuse', 'passes', 'same name', 'same name'],
  ],
}
const FAILING = { vitest: ['=1+1, "quoted" soft', 'fails', 'misuse'], jest: ['fails', 'misuse'] }

function casesOf(project: Project, name: string): Element[] {
  const suites = parseXml(readFileSync(project.path(name), 'utf8')).children
  return suites.flatMap(({ children }) => children.filter((child) => child.name === 'testcase'))
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
  const failing = cases.filter(({ children }) => children.length > 1)
  expect(failing.map(({ attributes }) => attributes.name!.split(' > ')[1])).toEqual(FAILING[runner])
  const fails = cases.find(({ attributes }) => attributes.name!.endsWith(' > fails'))!
  const properties = Object.fromEntries(
    fails.children[0]!.children.map(({ attributes: { name, value } }) => [name!, value!]),
  )
  const row = rows.find(({ test_name, token_id }) => test_name === 'fails' && token_id === '3')!
  expect(properties.first_failing_token).toBe('token 3')
  expect(Number(properties.first_failing_kl_divergence)).toBe(Number(row.kl_divergence))
  expect(fails.children[1]!.attributes).toEqual({ type: 'over-threshold', message: 'token 3: over-threshold' })
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
