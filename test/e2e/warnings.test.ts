import { readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ended, JEST, Project, type Run } from './project.js'

const WARM_UP =
  /^golden-logits: warning: dump: execution 0 taken for a warm-up: .*; if that is right, set loadDump's option prefill: 'last'/
const SAME = /^golden-logits: warning: token 0: golden and dump are the same file/

const linesOf = ({ stderr }: Run) => stderr.match(/^golden-logits: .*$/gm) ?? []
const like = (...patterns: RegExp[]) => patterns.map((pattern) => expect.stringMatching(pattern))

describe.each<['vitest' | 'jest', (project: Project, env: NodeJS.ProcessEnv) => Promise<Run>]>([
  ['vitest', (project, env) => project.vitest(['warnings'], env)],
  ['jest', (project, env) => ended(project.start(JEST, ['--testPathPatterns', 'warnings'], env))],
])('the warnings of comparisons that pass under %s', (runner, run) => {
  const extension = runner === 'vitest' ? 'mjs' : 'cjs'

  test('are printed once each at the end of the run, and are in the CSV', async () => {
    const project = new Project(runner)
    const ran = await run(project, { CSV: 'report.csv' })
    expect(ran.code).toBe(0)
    const place = (test: string) => `\\(warnings\\.test\\.${extension}: ${test}\\)$`
    expect(linesOf(ran)).toEqual([
      `golden-logits: ${project.path('report.csv')} (6 rows, 0 failed)`,
      `golden-logits: KL by token ▁▁  warnings.test.${extension} > warm-up`,
      expect.stringMatching(new RegExp(`${SAME.source}.* ${place('same file')}`)),
      expect.stringMatching(new RegExp(`${WARM_UP.source}.* ${place('warm-up, and 1 more like it')}`)),
    ])
    const rows = project.report('report.csv')
    expect(Object.keys(rows[0]!).slice(-2)).toEqual(['notes', 'report_rows'])
    const notes = (name: string) => rows.filter(({ test_name }) => test_name === name).map((row) => row.notes)
    expect(notes('clean')).toEqual([''])
    const warmUp = /^dump: execution 0 taken for a warm-up: .*; dump: 1 path ignored: warm-up: an execution before/
    expect(notes('warm-up')).toEqual(like(warmUp, warmUp))
    expect(notes('confirmed')).toEqual(
      like(/dump: prefill: 'last': the run starts at execution 1; execution 0 ignored as a warm-up; /),
    )
    expect(notes('same file')).toEqual(like(/token 0: golden and dump are the same file/))
  })

  test('are printed once a comparison without the reporter', async () => {
    const ran = await run(new Project(runner), { NO_REPORTER: '1' })
    expect(ran.code).toBe(0)
    expect(linesOf(ran)).toEqual(like(WARM_UP, WARM_UP, SAME))
  })

  test('make the run fail with the reporter option strict', async () => {
    const ran = await run(new Project(runner), { CSV: 'report.csv', STRICT: '1' })
    expect(ran.code).toBe(1)
    expect(linesOf(ran)).toContain('golden-logits: 3 warnings make the run fail (reporter option strict)')
  })

  test('make a test fail with the option strict', async () => {
    const project = new Project(runner)
    const ran = await run(project, { CSV: 'report.csv', STRICT_TEST: '1' })
    expect(ran.code).toBe(1)
    const printed = ran.stdout + ran.stderr
    expect(printed).toContain('No token fails, but the warnings do     (1 token compared, 0 over, 0 missing)')
    expect(printed).toContain('warning: token 0: golden and dump are the same file')
    const expectations = project
      .report('report.csv')
      .map(({ test_name, expectation }) => `${test_name}: ${expectation}`)
    expect(expectations.filter((text) => text.endsWith('not met'))).toEqual(['same file: not met'])
  })
})

test('the warnings are annotations of their test in Vitest', async () => {
  const project = new Project('vitest')
  const { code, stdout } = await project.vitest([
    'warnings',
    '--reporter',
    'verbose',
    '--reporter',
    'junit',
    '--outputFile.junit=junit.xml',
  ])
  expect(code).toBe(0)
  const annotation = /❯ \S*warnings\.test\.mjs:\d+:\d+ warning\s+↳ token 0: golden and dump are the same file/
  expect(stdout).toMatch(annotation)
  const cases = readFileSync(project.path('junit.xml'), 'utf8').split('<testcase ').slice(1)
  const warnedTests = cases.flatMap((text) =>
    text.includes('name="warning"') ? [/ name="([^"]*)"/.exec(` ${text}`)![1]] : [],
  )
  expect(warnedTests).toEqual(['warm-up', 'warm-up again', 'same file'])
})

test.each(['vitest', 'jest'] as const)('.not is an error for rows that are no logits under %s', async (runner) => {
  const project = new Project(runner)
  const { code, stdout, stderr } = await (runner === 'vitest'
    ? project.vitest(['not.test'], { CSV: 'report.csv' })
    : ended(project.start(JEST, ['--testPathPatterns', 'not.test'], { CSV: 'report.csv' })))
  expect(code).toBe(1)
  const needs = '.not.toMatchGoldenLogits needs logits that were read and differ, but the result is 0 tokens compared'
  expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toContain(
    `${needs}, 0 over, 0 missing, 1 without a result; token 0 is non-f`,
  )
  const results = project.report('report.csv').map(({ test_name, expectation }) => [test_name, expectation])
  expect(results).toEqual([
    ['NaN', 'not met'],
    ['no information', 'not met'],
    ['other logits', 'met'],
  ])
})

test('strict fails a snapshot whose dump has warnings, and an update does not replace it', async () => {
  const project = new Project('vitest')
  const run = (args: string[], env: NodeJS.ProcessEnv) => project.vitest(['warned-snapshot', ...args], env)
  expect((await run([], { CI: '' })).code).toBe(0)
  const warned = await run([], { CSV: 'report.csv' })
  expect(warned.code).toBe(0)
  const byToken = /^golden-logits: KL by token ▁+ {2}warned-snapshot/
  expect(linesOf(warned)).toEqual(like(/^golden-logits: \S*report\.csv /, byToken, byToken, WARM_UP))
  const snapshots = () =>
    readdirSync(project.path('__golden__/warned-snapshot.test.mjs')).map((name) => [
      name,
      statSync(project.path('__golden__/warned-snapshot.test.mjs', name)).mtimeMs,
    ])
  const before = snapshots()
  for (const args of [[], ['-u']]) {
    const { code, stdout, stderr } = await run(args, { STRICT_TEST: '1', CI: '' })
    expect(code).toBe(1)
    expect(stdout + stderr).toContain('No token fails, but the warnings do')
    expect(stdout).toMatch(/1 failed \| 1 passed/)
    expect(snapshots()).toEqual(before)
  }
})
