import { beforeAll, describe, expect, test } from 'vitest'
import { ended, existing, JEST, Project, REPORTS, type Row, type Run } from './project.js'

const MODULES = { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' }
const SUITE = ['basics', 'retry', 'concurrent', 'module']

function jest(project: Project, files: readonly string[], env: NodeJS.ProcessEnv = {}, args: readonly string[] = []) {
  return ended(project.start(JEST, ['--testPathPatterns', ...files, ...args], env))
}

describe.each<[string, readonly string[], NodeJS.ProcessEnv]>([
  ['on its workers', ['--maxWorkers=2'], {}],
  ['on worker threads, without globals', ['--maxWorkers=2', '--workerThreads'], { NO_GLOBALS: '1' }],
  ['in its own process', ['-i'], {}],
])('a run of CommonJS and ES module tests %s', (_, args, env) => {
  let run: Run
  let rows: Row[]
  const of = (test: string) => rows.filter(({ test_name }) => test_name === test)

  beforeAll(async () => {
    const project = new Project('jest', 'hook')
    run = await jest(project, SUITE, { ...MODULES, ...env }, args)
    rows = project.report()
    expect(project.made()).toEqual([REPORTS])
    return () => project.remove()
  })

  test('leaves a CSV and a page, says on stderr where, and shows the KL divergence by token', () => {
    expect(run.code).toBe(1)
    expect(run.stdout).toBe('')
    expect(run.stderr.match(/^golden-logits: .*$/gm)).toEqual([
      expect.stringMatching(
        /^golden-logits: \/.*\/golden-logits-report\/msit_cmp_report_\d{14}\.csv \(42 rows, 2 failed\)$/,
      ),
      expect.stringMatching(/^golden-logits: \/.*\/golden-logits-report\/report\.html$/),
      // Failing tests come first. A comparison of one token has no line.
      'golden-logits: KL by token ▁▁▁█▁▁▁▁▁▁▁▁  basics.test.cjs > fails',
      'golden-logits: KL by token ▁▁  basics.test.cjs > =1+1, "quoted" two comparisons',
      'golden-logits: KL by token ▁▁▁▁▁▁▁▁▁▁▁▁  basics.test.cjs > passes',
    ])
    expect(run.stderr).toContain('First token over threshold: token 3     (12 tokens compared, 1 over, 0 missing)')
  })

  test('holds every token of every comparison as it was', () => {
    expect(of('fails').map(({ token_id, pass }) => `${token_id} ${pass}`)).toEqual(
      [...Array(12).keys()].map((token) => `${token} ${token !== 3}`),
    )
    const columns = ({ token_id, comparison, pass, is_not, expectation }: Row) =>
      [token_id, comparison, pass, is_not, expectation].join(' ')
    expect(of(`'=1+1, "quoted" two comparisons`).map(columns)).toEqual([
      '0 1 true false met',
      '1 1 true false met',
      '3 2 false true met',
    ])
    expect(of('same name').map(columns)).toEqual(['5 1 true false met', '6 1 true false met'])
    expect(of('in an ES module').map(columns)).toEqual(['0 1 true false met', '3 2 false true met'])
    expect(of('misuse')[0]).toMatchObject({
      verdict: 'error',
      reason: expect.stringContaining('dumps/nowhere: there is no such file or folder; looked for '),
    })
  })

  test('has the last attempt of a retried test, once, and the names of concurrent ones', () => {
    expect(of('flaky').map(({ token_id, attempt, pass }) => [token_id, attempt, pass])).toEqual([
      ['0', '3', 'true'],
      ['3', '3', 'true'],
    ])
    const concurrent = rows.filter(({ test_file }) => test_file === 'concurrent.test.cjs')
    expect(concurrent).toHaveLength(8)
    for (const row of concurrent)
      expect(row).toMatchObject({ test_name: `token ${row.token_id}`, test_name_sure: 'yes' })
  })
})

test('the global expect knows the matchers', async () => {
  const project = new Project('jest')
  expect((await jest(project, ['globals'], { CSV: 'report.csv' })).code).toBe(0)
  expect(project.report('report.csv')).toHaveLength(1)
})

const BEFORE = [...Array(12).keys()].map((token) => `before ${token}`)
const named = (project: Project) =>
  project.report('report.csv').map(({ test_name, token_id }) => `${test_name} ${token_id}`)

describe('however a worker ends, every row that was made is in the report', () => {
  // Two files, for Jest runs one alone in its own process.
  const files = ['ends', 'globals']

  test.each(['kill', 'within-kill'])('%s', async (END) => {
    const project = new Project('jest')
    const { code, stderr } = await jest(project, files, { END, CSV: 'report.csv' }, ['--maxWorkers=2'])
    expect(code).toBe(1)
    const open = END === 'kill' ? [] : ['the end ']
    expect(named(project)).toEqual([...BEFORE, 'the end 0', 'the end 1', ...open, 'the global expect 0'])
    expect(stderr).toContain(
      END === 'kill' ? '(15 rows, 0 failed)\n' : '(16 rows, 1 failed, 1 unfinished comparison)\n',
    )
  })

  test('a file that Jest runs again is there once, with its attempt', async () => {
    const project = new Project('jest')
    const env = { END: 'exitTwice', RUNS: project.path('runs'), CSV: 'report.csv' }
    await jest(project, files, env, ['--maxWorkers=2'])
    expect(named(project)).toEqual([...BEFORE, 'the end 0', 'the end 1', 'the global expect 0'])
    const attempts = project.report('report.csv').map(({ attempt }) => attempt)
    expect(attempts).toEqual([...Array(14).fill('3'), '1'])
  })

  test.each([
    ['Ctrl-C', 'SIGINT'],
    ['a cancelled job', 'SIGTERM'],
  ] as const)('%s', async (_, signal) => {
    const project = new Project('jest')
    const env = { END: 'wait', WAITS: project.path('waits'), CSV: 'report.csv' }
    const child = project.start(JEST, ['--testPathPatterns', ...files, '--maxWorkers=2'], env)
    const run = ended(child)
    await existing(env.WAITS)
    child.kill(signal)
    expect((await run).signal).toBe(signal)
    expect(named(project)).toEqual(expect.arrayContaining([...BEFORE, 'the end 0', 'the end 1']))
  })
})

test('a test that ends the process of Jest with exit code 0 makes the run fail', async () => {
  const project = new Project('jest')
  const { code, stderr } = await jest(project, ['ends'], { END: 'leave', CSV: 'report.csv' }, ['-i'])
  expect(code).toBe(1)
  expect(named(project)).toEqual([...BEFORE, 'the end 0', 'the end 1'])
  expect(stderr).toContain(
    'golden-logits: the process exited before the runner was done, so comparisons may be missing: the run fails\n',
  )
})

describe('the report goes', () => {
  test('nowhere, and no row is kept, without the reporter', async () => {
    const project = new Project('jest')
    const { code, stderr } = await jest(project, ['globals'], { NO_REPORTER: '1' })
    expect(code).toBe(0)
    expect(stderr).not.toContain('golden-logits:')
    expect(project.made()).toEqual([])
  })

  test('nowhere where it cannot be written: the run fails, and its rows are kept', async () => {
    const project = new Project('jest')
    const { code, stderr } = await jest(project, ['globals'], { CSV: 'globals.test.cjs/report.csv' })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^golden-logits: the report cannot be written \(a part of the path is a file, expected a folder: .*\); its rows are kept in \/.*\/\.golden-logits\/run-\S+$/m,
    )
    expect(project.made()).toEqual(['.golden-logits'])
  })
})
