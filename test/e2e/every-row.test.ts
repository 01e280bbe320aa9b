import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ended, JEST, Project, type Run } from './project.js'

const TREES =
  "const dump = (tree) => process.env.TREES + '/' + tree + '/my', golden = (tree) => process.env.TREES + '/' + tree + '/golden'\n"
const [GOOD, BAD] = ['a_clean_f32_vs_f16', 'b_token3_degraded']
const gate = (tree: string) => `expect(dump('${tree}')).toMatchGoldenLogits(golden('${tree}'), { dtype: 'bf16' })`

/** A project whose only test file is `only`, under one of the runners. */
function projectOf(runner: 'vitest' | 'jest', body: string): Project {
  const project = new Project(runner)
  const imports =
    runner === 'vitest'
      ? "import 'golden-logits/vitest'\nimport { loadDump, logitsOf } from 'golden-logits'\nimport { expect, test } from 'vitest'\n"
      : "require('golden-logits/jest')\nconst { loadDump, logitsOf } = require('golden-logits')\n"
  writeFileSync(project.path(`only.test.${runner === 'vitest' ? 'mjs' : 'cjs'}`), imports + TREES + body)
  return project
}

function run(runner: 'vitest' | 'jest', project: Project, ...args: string[]): Promise<Run> {
  if (runner === 'vitest') return project.vitest(['only', ...args], { CSV: 'report.csv' })
  return ended(project.start(JEST, ['--testPathPatterns', 'only', ...args], { CSV: 'report.csv' }))
}

describe.each(['vitest', 'jest'] as const)('every row is in the report of %s', (runner) => {
  test('if a test replaces process.env', async () => {
    const body = `
      test('first', () => { ${gate(GOOD)} })
      test('second', () => { const { TREES } = process.env; process.env = { TREES }; ${gate(BAD)} })`
    const project = projectOf(runner, body)
    const { code, stderr } = await run(runner, project)
    expect(code).toBe(1)
    expect(stderr).toContain(`golden-logits: ${project.path('report.csv')} (24 rows, 1 failed)\n`)
  })

  test('if loadDump or logitsOf throws: one row, which fails only if the test does', async () => {
    const body = `
      test('a gate', () => { expect(loadDump('not-there')).toMatchGoldenLogits(golden('${GOOD}')) })
      test('expects it', () => { expect(() => loadDump('not-there')).toThrow('no such file') })
      test('in memory', () => { expect(logitsOf([])).toMatchGoldenLogits(golden('${GOOD}')) })`
    const project = projectOf(runner, body)
    const { code, stderr } = await run(runner, project)
    expect(code).toBe(1)
    expect(stderr).toContain('report.csv (3 rows, 2 failed)\n')
    const columns = project.report('report.csv').map((row) => [row.test_name, row.verdict, row.expectation])
    expect(columns).toEqual([
      ['a gate', 'unreadable', 'error'],
      ['expects it', 'unreadable', 'met'],
      ['in memory', 'error', 'error'],
    ])
  })

  test('if a test deletes the rows: the run fails and says so', async () => {
    const fs = runner === 'vitest' ? "await import('node:fs')" : "require('node:fs')"
    const body = `test('cleans up', async () => { ${gate(GOOD)}
      const fs = ${fs}; fs.rmSync('.golden-logits', { recursive: true }); ${gate(GOOD)} })`
    const project = projectOf(runner, body)
    const { code, stderr } = await run(runner, project)
    expect(code).toBe(1)
    expect(stderr).toContain('golden-logits: the report is incomplete: an unknown number of rows lost\n')
  })
})

test('one test file in two projects of Jest: the rows of both, each with its project', async () => {
  const project = projectOf('jest', `test('gate', () => { ${gate(GOOD)}; expect(ENGINE).toBeTruthy() })`)
  const config = `const project = (name) => ({ displayName: name, testMatch: ['<rootDir>/only.test.cjs'], transform: {},
      moduleFileExtensions: ['js', 'cjs'], globals: { ENGINE: name } })
    module.exports = { projects: [project('cpu'), project('npu')], reporters: [['golden-logits/reporter', { csv: 'report.csv' }]] }`
  writeFileSync(project.path('jest.config.cjs'), config)
  for (const workers of ['-w=2', '-i']) {
    const { code, stderr } = await ended(project.start(JEST, [workers], {}))
    expect(code).toBe(0)
    expect(stderr).toContain('report.csv (24 rows, 0 failed)\n')
    const projects = project.report('report.csv').map((row) => row.project)
    expect(projects).toEqual([...Array(12).fill('cpu'), ...Array(12).fill('npu')])
  }
})

test('two reporters write the same rows, and warnings are printed once', async () => {
  const project = projectOf('vitest', `test('gate', () => { ${gate('d_warmup_prefill_only')} })`)
  const reporters = "[['golden-logits/reporter', { csv: 'a.csv' }], ['golden-logits/reporter', { csv: 'b.csv' }]]"
  writeFileSync(project.path('vitest.config.mjs'), `export default { test: { reporters: ${reporters} } }\n`)
  const { code, stderr } = await project.vitest(['only'])
  expect(code).toBe(0)
  expect(project.report('a.csv')).toEqual(project.report('b.csv'))
  expect(project.report('a.csv').length).toBeGreaterThan(0)
  expect(stderr.match(/golden-logits: warning/g)).toHaveLength(1)
  expect(project.made().sort()).toEqual(['a.csv', 'b.csv'])
})
