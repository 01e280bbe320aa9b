import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseReport } from '../../src/report/parse-report.js'
import { expectedOf, within } from '../fixtures/trees.js'
import { ended, existing, Project, REPORTS, type Row, type Run, recordsOf, VITEST } from './project.js'

/** Of `msit llm compare`, in its order. */
const MSIT_COLUMNS = [
  ...['token_id', 'data_id'],
  ...['data_path', 'op_type', 'dtype', 'shape', 'max_value', 'min_value', 'mean_value'].map((name) => `golden_${name}`),
  ...['data_path', 'op_type', 'dtype', 'shape', 'max_value', 'min_value', 'mean_value'].map((name) => `my_${name}`),
  ...['cosine_similarity', 'max_relative_error', 'mean_relative_error', 'max_absolute_error', 'mean_absolute_error'],
  ...['kl_divergence', 'relative_euclidean_distance', 'cmp_fail_reason'],
]

const BAD = 'b_token3_degraded'

test('the marks of tokens over the limit are red, the others green, if the runner shows colours', async () => {
  const project = new Project('vitest')
  const colours = { FORCE_COLOR: '1', NO_COLOR: undefined }
  const { stderr } = await project.vitest(['basics', '-t', 'fails'], colours)
  const [green, red, end] = ['\u001b[32m', '\u001b[31m', '\u001b[39m']
  expect(stderr).toContain(
    `golden-logits: KL by token ${green}▁▁▁${end}${red}█${end}${green}▁▁▁▁▁▁▁▁${end}  basics.test.mjs > fails\n`,
  )
})

describe('a run of all kinds of tests', () => {
  let run: Run
  let text: string
  let page: string
  let rows: Row[]
  const of = (test: string) => rows.filter(({ test_name }) => test_name === test)

  beforeAll(async () => {
    const project = new Project('vitest', 'hook')
    run = await project.vitest(['basics', 'retry', 'concurrent'])
    rows = project.report()
    text = readFileSync(project.path(REPORTS, project.reports()[0]!), 'utf8')
    page = readFileSync(project.path(REPORTS, 'report.html'), 'utf8')
    expect(project.made()).toEqual([REPORTS])
    expect(project.reports()).toHaveLength(1)
    return () => project.remove()
  })

  test('leaves a CSV and a page, says on stderr where, and shows the KL divergence by token', () => {
    expect(run.code).toBe(1)
    expect(run.stdout).not.toContain('golden-logits:')
    expect(run.stderr.match(/^golden-logits: .*$/gm)).toEqual([
      expect.stringMatching(
        /^golden-logits: \/.*\/golden-logits-report\/msit_cmp_report_\d{14}\.csv \(56 rows, 6 failed\)$/,
      ),
      expect.stringMatching(/^golden-logits: \/.*\/golden-logits-report\/report\.html$/),
      // Failing tests come first. A comparison of one token has no line.
      'golden-logits: KL by token ▁▁▁█▁▁▁▁▁▁▁▁  basics.test.mjs > fails',
      'golden-logits: KL by token ▁▁  basics.test.mjs > =1+1, "quoted" two comparisons',
      'golden-logits: KL by token ▁▁▁▁▁▁▁▁▁▁▁▁  basics.test.mjs > passes',
    ])
  })

  test('leaves the same tokens in the page', () => {
    const tokens = rows.filter(({ token_id }) => token_id !== '')
    expect(page.match(/<tr id="c\d+-t\d+"/g)).toHaveLength(tokens.length)
    expect(page).toMatch(/<title>✗ golden-logits: \d+ comparisons, \d+ fail<\/title>/)
  })

  test('has the columns of msit llm compare in their order, and further ones behind them', () => {
    const [header, ...records] = recordsOf(text)
    expect(header!.slice(0, MSIT_COLUMNS.length)).toEqual(MSIT_COLUMNS)
    expect(header!.slice(MSIT_COLUMNS.length)).toEqual(
      expect.arrayContaining([
        'verdict',
        'kl_limit',
        'cosine_limit',
        'golden_top1',
        'my_top1',
        'test_file',
        'test_name',
      ]),
    )
    expect(new Set(header).size).toBe(header!.length)
    expect(records).toHaveLength(56)
  })

  test('holds every token of a comparison with the values that NumPy has, at full precision', () => {
    const pairs = expectedOf(BAD).pairs
    const found = of('fails')
    expect(found.map(({ token_id }) => token_id)).toEqual(pairs.map(({ token }) => String(token)))
    found.forEach((row, i) => {
      const { golden, my, golden_stats, my_stats, float64 } = pairs[i]!
      expect(within(BAD, [row.golden_data_path!, row.my_data_path!])).toEqual([...golden, ...my])
      expect(row).toMatchObject({ golden_dtype: 'torch.float32', my_dtype: 'torch.float16', golden_shape: '[1, 640]' })
      expect(row).toMatchObject({ golden_top1: `${golden_stats.argmax}`, my_top1: `${my_stats.argmax}` })
      expect(Number(row.golden_max_value)).toBe(golden_stats.max)
      expect(Number(row.my_min_value)).toBe(my_stats.min)
      for (const name of MSIT_COLUMNS.slice(16, 23)) {
        const value = Number(row[name])
        expect(Math.abs(value - float64[name]!)).toBeLessThanOrEqual(Math.max(1e-9 * Math.abs(float64[name]!), 1e-12))
        expect(row[name]).toMatch(/[.e]|inf/)
      }
      expect(row.verdict).toBe(row.token_id === '3' ? 'over-threshold' : 'pass')
      expect(row).toMatchObject({
        kl_limit: '0.005',
        cosine_limit: '0.999',
        expectation: 'not met',
        cmp_fail_reason: '',
      })
    })
  })

  test('keeps cells that a spreadsheet would take for a formula as text', () => {
    expect(text).toContain(`,"'=1+1, ""quoted"" soft",`)
    expect(of(`'=1+1, "quoted" soft`)).toHaveLength(2)
  })

  test('numbers the comparisons of a test, and records .not and soft as what they were', () => {
    const columns = ({ token_id, comparison, pass, is_not, is_soft, expectation }: Row) =>
      [token_id, comparison, pass, is_not, is_soft, expectation].join(' ')
    expect(of(`'=1+1, "quoted" two comparisons`).map(columns)).toEqual([
      '0 1 true false false met',
      '1 1 true false false met',
      '3 2 false true false met',
    ])
    expect(of(`'=1+1, "quoted" soft`).map(columns)).toEqual(['3 1 false false true not met', '4 2 true false true met'])
    expect(of('fails as it should').map(columns)).toEqual(['3 1 false false false not met'])
  })

  test('keeps tests of the same name apart', () => {
    const columns = ({ token_id, comparison, attempt }: Row) => [token_id, comparison, attempt]
    expect(of('same name').map(columns)).toEqual([
      ['5', '1', '1'],
      ['6', '1', '1'],
    ])
  })

  test('has a row for a comparison that could not be made', () => {
    const [row, ...more] = of('misuse')
    expect(more).toEqual([])
    expect(row).toMatchObject({ token_id: '', verdict: 'error', pass: 'false', expectation: 'error' })
    expect(row!.reason).toContain('dumps/nowhere: there is no such file or folder; looked for ')
  })

  test('has every call of expect.poll', () => {
    expect(of('polled').map(({ comparison, is_poll, expectation }) => [comparison, is_poll, expectation])).toEqual([
      ['1', 'true', 'not met'],
      ['2', 'true', 'not met'],
      ['3', 'true', 'met'],
    ])
  })

  test('has the last attempt of a test that was retried once, and every repetition of one that was repeated', () => {
    const columns = ({ token_id, comparison, attempt, pass }: Row) => [token_id, comparison, attempt, pass]
    expect(of('flaky').map(columns)).toEqual([
      ['0', '1', '3', 'true'],
      ['3', '2', '3', 'true'],
    ])
    expect(of('repeated').map((row) => [row.repetition, ...columns(row)])).toEqual([
      ['1', '1', '1', '1', 'true'],
      ['2', '1', '1', '2', 'true'],
      ['3', '1', '1', '3', 'true'],
    ])
  })

  test('knows the names of concurrent tests, whichever expect they use', () => {
    const found = rows.filter(({ test_file }) => test_file === 'concurrent.test.mjs')
    expect(found).toHaveLength(12)
    for (const row of found) expect(row).toMatchObject({ test_name: `token ${row.token_id}`, test_name_sure: 'yes' })
    expect(found.map(({ comparison }) => comparison)).toEqual(Array(6).fill(['1', '2']).flat())
  })

  test.each(['threads', 'vmForks', 'vmThreads', 'forks --no-isolate'])('is the same in the pool %s', async (pool) => {
    const project = new Project('vitest')
    const { stdout } = await project.vitest(['basics', 'retry', ...`--pool=${pool}`.split(' ')])
    expect(stdout).toContain('3 failed')
    const known = rows.filter(({ test_file }) => !test_file!.startsWith('concurrent'))
    // The folder of the project is in the reason of an error.
    const timeless = (report: Row[]) =>
      report.map(({ reason, ...row }) => {
        return { ...row, reason: reason!.replace(/vitest-\w+/g, 'vitest'), duration_ms: '', report_rows: '' }
      })
    expect(timeless(project.report())).toEqual(timeless(known))
  })

  test('says that a name is unsure where it cannot be known, and keeps every row', () => {
    const found = rows.filter(({ test_file }) => test_file === 'concurrent-late.test.mjs')
    expect(found.map(({ token_id }) => token_id).sort()).toEqual(['0', '1', '2'])
    for (const row of found) expect(row.test_name_sure).toBe('no')
  })
})

describe('however a worker ends, every row that was made is in the report', () => {
  const BEFORE = [...Array(12).keys()].map((token) => `before ${token}`)
  const rowsOf = (project: Project) =>
    project.report('report.csv').map(({ test_name, token_id }) => `${test_name} ${token_id}`)

  test.each([
    ['SIGKILL', 'kill', 'forks'],
    ['SIGKILL in a vm', 'kill', 'vmForks'],
    ['process.exit', 'exit', 'forks'],
    ['out of memory', 'memory', 'forks'],
    ['out of memory in a thread, which ends Vitest itself', 'memory', 'threads'],
  ])('%s', async (_, END, pool) => {
    const project = new Project('vitest')
    const env = { END, CSV: 'report.csv', NODE_OPTIONS: '--max-old-space-size=150' }
    const { code, stderr } = await project.vitest(['ends', `--pool=${pool}`], env)
    expect(code).toBe(1)
    expect(stderr).toContain(`golden-logits: ${project.path('report.csv')} (14 rows, 0 failed)\n`)
    expect(rowsOf(project)).toEqual([...BEFORE, 'the end 0', 'the end 1'])
    expect(project.made()).toEqual(['report.csv'])
  })

  test('and a comparison that it was in the middle of', async () => {
    const project = new Project('vitest')
    const { stderr } = await project.vitest(['ends'], { END: 'within-kill', CSV: 'report.csv' })
    expect(stderr).toContain(
      `golden-logits: ${project.path('report.csv')} (15 rows, 1 failed, 1 unfinished comparison)\n`,
    )
    expect(rowsOf(project)).toEqual([...BEFORE, 'the end 0', 'the end 1', 'the end '])
    expect(project.report('report.csv').at(-1)).toMatchObject({
      verdict: 'unfinished',
      pass: 'false',
      expectation: '',
      comparison: '2',
      reason: 'the comparison began but did not end: its worker died',
    })
  })

  test.each([
    ['Ctrl-C', 'SIGINT', 130],
    ['a cancelled job', 'SIGTERM', 143],
  ] as const)('%s', async (_, signal, code) => {
    const project = new Project('vitest')
    const env = { END: 'wait', WAITS: project.path('waits'), CSV: 'report.csv' }
    const child = project.start(VITEST, ['run', 'ends'], env)
    const run = ended(child)
    await existing(env.WAITS)
    child.kill(signal)
    expect(await run).toMatchObject({ code, signal: null })
    expect(rowsOf(project)).toEqual([...BEFORE, 'the end 0', 'the end 1'])
  })
})

test('Vitest itself killed: the rows stay, the next run says where and is not troubled', async () => {
  const project = new Project('vitest')
  const env = { END: 'wait', WAITS: project.path('waits'), CSV: 'report.csv' }
  const child = project.start(VITEST, ['run', 'ends', '--pool=threads'], env)
  const run = ended(child)
  await existing(env.WAITS)
  child.kill('SIGKILL')
  await run
  expect(project.made()).toEqual(['.golden-logits', 'waits'])
  const { stderr } = await project.vitest(['retry'], { CSV: 'report.csv' })
  expect(stderr).toMatch(
    /^golden-logits: an earlier run ended without a report; 'golden-logits merge' can make it from the rows in \/.*\/\.golden-logits\/run-\d+-\d+-1$/m,
  )
  expect(project.report('report.csv').map(({ test_file }) => test_file)).toEqual(Array(5).fill('retry.test.mjs'))
})

describe('the report goes', () => {
  test('nowhere, and no row is kept, without the reporter', async () => {
    const project = new Project('vitest')
    const { code, stderr } = await project.vitest(['basics'], { NO_REPORTER: '1' })
    expect(code).toBe(1)
    expect(stderr).not.toContain('golden-logits:')
    expect(project.made()).toEqual([])
  })

  test('over the one before it, if the option names a file', async () => {
    const project = new Project('vitest')
    await project.vitest(['basics'], { CSV: 'out/report.csv' })
    await project.vitest(['retry'], { CSV: 'out/report.csv' })
    expect(project.report('out/report.csv')).toHaveLength(5)
    expect(project.made()).toEqual(['out'])
  })

  test('beside the others, if the option names a folder; two runs in one second do not collide', async () => {
    const project = new Project('vitest')
    const runs = await Promise.all(
      ['retry', 'concurrent.', 'basics'].map((file) => project.vitest([file], { CSV: 'out/' })),
    )
    const named = runs.map(({ stderr }) => /golden-logits: \S*out[\\/](\S+) \(/.exec(stderr)![1]!)
    expect(project.reports('out').sort()).toEqual(named.sort())
    expect(named.map((name) => project.report(`out/${name}`).length).sort()).toEqual([12, 36, 5])
  })

  test('nowhere if the run compares nothing, and the report of an earlier run is deleted', async () => {
    const project = new Project('vitest')
    const options = "{ csv: 'report.csv', html: 'report.html', json: 'golden.json' }"
    const config = `export default { test: { reporters: [['golden-logits/reporter', ${options}]] } }\n`
    writeFileSync(project.path('vitest.config.mjs'), config)
    expect((await project.vitest(['retry'])).code).toBe(0)
    expect(project.report('report.csv')).toHaveLength(5)
    expect(['report.html', 'golden.json'].filter((name) => !existsSync(project.path(name)))).toEqual([])
    writeFileSync(project.path('idle.test.mjs'), "import { test } from 'vitest'\ntest('idle', () => {})\n")
    const { code, stderr } = await project.vitest(['idle'])
    expect(code).toBe(0)
    expect(stderr).not.toContain('golden-logits:')
    expect(project.made()).toEqual([])
    expect(existsSync(project.path('golden.json'))).toBe(false)
  })

  test.each(['of somebody else', 'token_id,data_id,golden_data_path\n'])(
    'never over a file that is not a report: %j',
    async (text) => {
      const project = new Project('vitest')
      writeFileSync(project.path('notes.csv'), text)
      const { code, stdout, stderr } = await project.vitest(['retry'], { CSV: 'notes.csv' })
      expect(code).toBe(1)
      expect(stdout + stderr).toContain(
        "notes.csv: this file is not a report of golden-logits, so it is not overwritten; delete it, or name another path with the reporter's option csv",
      )
      expect(readFileSync(project.path('notes.csv'), 'utf8')).toBe(text)
    },
  )

  test('nowhere where it cannot be written: the run fails, and its rows are kept', async () => {
    const project = new Project('vitest')
    mkdirSync(project.path('taken'))
    writeFileSync(project.path('taken', 'file'), '')
    const { code, stderr } = await project.vitest(['retry'], { CSV: 'taken/file/report.csv' })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^golden-logits: the report cannot be written \(a part of the path is a file, expected a folder: .*taken.*\); its rows are kept in \/.*\/\.golden-logits\/run-\S+$/m,
    )
    expect(project.made()).toEqual(['.golden-logits', 'taken'])
  })

  test('as JSON and into the step summary of GitHub, if the options ask for it', async () => {
    const project = new Project('vitest')
    const config =
      "export default { test: { reporters: [['golden-logits/reporter', { json: 'a.json', html: false }]] } }\n"
    writeFileSync(project.path('vitest.config.mjs'), config)
    const { code } = await project.vitest(['basics'], { GITHUB_STEP_SUMMARY: project.path('summary.md') })
    expect(code).toBe(1)
    const { comparisons } = parseReport('a.json', readFileSync(project.path('a.json'), 'utf8'))
    const tokens = comparisons.flatMap((comparison) => comparison.tokens)
    expect(tokens).toHaveLength(project.report().filter(({ token_id }) => token_id !== '').length)
    const summary = readFileSync(project.path('summary.md'), 'utf8')
    expect(summary).toContain(
      `❌ ${comparisons.filter(({ pass }) => !pass).length} of ${comparisons.length} not within`,
    )
    expect(readdirSync(project.path(REPORTS)).filter((name) => name.endsWith('.html'))).toEqual([])
  })

  test('nowhere where its options are wrong', async () => {
    const project = new Project('vitest')
    writeFileSync(
      project.path('vitest.config.mjs'),
      "export default { test: { reporters: [['golden-logits/reporter', { cvs: 'x' }]] } }\n",
    )
    const { code, stderr } = await project.vitest(['retry'])
    expect(code).toBe(1)
    expect(stderr).toContain(
      "golden-logits/reporter: there is no option 'cvs'; there are csv, html, json, junit, obsolete, strict",
    )
  })
})

test('watch mode makes one report, however often it runs', async () => {
  const project = new Project('vitest')
  const child = project.start(VITEST, ['--watch', 'retry', 'basics'], { CSV: 'out/', CI: '' })
  const run = ended(child)
  let printed = ''
  child.stderr!.on('data', (text: string) => {
    printed += text
  })
  const reports = async (count: number) => {
    await expect
      .poll(() => printed.match(/golden-logits: \S*[\\/]out[\\/]/g)?.length ?? 0, { timeout: 60_000 })
      .toBe(count)
  }
  await reports(1)
  expect(project.report(`out/${project.reports('out')[0]}`)).toHaveLength(41)
  writeFileSync(project.path('retry.test.mjs'), `${readFileSync(project.path('retry.test.mjs'), 'utf8')}\n// changed\n`)
  await reports(2)
  child.kill('SIGINT')
  await run
  expect(project.reports('out')).toHaveLength(1)
  expect(project.report(`out/${project.reports('out')[0]}`)).toHaveLength(5)
  expect(project.made()).toEqual(['out'])
})
