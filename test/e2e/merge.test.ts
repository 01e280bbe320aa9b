import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ended, existing, JEST, Project, type Run, VITEST } from './project.js'

const CLI = join(import.meta.dirname, '../../dist/esm/cli.js')

function merge(project: Project, ...args: string[]): Promise<Run> {
  return ended(project.start(CLI, ['merge', ...args], {}))
}

/** A report but for the time that each comparison took, which differs from run to run. */
function timeless(project: Project, name: string): string {
  return readFileSync(project.path(name), 'utf8').replace(/,\d*,([^,]*|"[^"]*"),(\d+)$/gm, ',,$1,$2')
}

const FILES = ['basics', 'retry', 'concurrent.']

describe.each<['vitest' | 'jest', (project: Project, args: string[], CSV: string) => Promise<Run>]>([
  ['vitest', (project, args, CSV) => project.vitest([...FILES, ...args], { CSV })],
  ['jest', (project, args, CSV) => ended(project.start(JEST, [...args, '--testPathPatterns', ...FILES], { CSV }))],
])('%s --shard', (runner, run) => {
  test('merged, the reports of the shards are the report of the whole run, byte for byte', async () => {
    const project = new Project(runner)
    await run(project, [], 'whole.csv')
    for (const shard of ['1/3', '2/3', '3/3']) {
      await run(project, [`--shard=${shard}`], `shards/${shard.replace('/', '-')}.csv`)
    }
    expect(readdirSync(project.path('shards'))).toHaveLength(3)
    const { code, stderr, stdout } = await merge(project, 'shards', '--output', 'merged.csv')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/^golden-logits: \S*merged\.csv \(\d+ rows, \d+ failed\)\n$/)
    expect(timeless(project, 'merged.csv')).toBe(timeless(project, 'whole.csv'))
    // In any order, once each, and again over what is there.
    const again = await merge(project, 'shards/3-3.csv', 'shards/*.csv', 'shards/1-3.csv', '-o', 'shards/merged.csv')
    expect(again.code).toBe(0)
    expect((await merge(project, 'shards', '-o', 'shards/merged.csv')).code).toBe(0)
    expect(timeless(project, 'shards/merged.csv')).toBe(timeless(project, 'whole.csv'))
  })
})

test('vitest --merge-reports leaves the report as it is', async () => {
  const project = new Project('vitest')
  for (const n of ['1', '2']) {
    const reporters = ['--reporter=blob', '--reporter=golden-logits/reporter']
    await project.vitest([...FILES, `--shard=${n}/2`, ...reporters], { CSV: 'report.csv' })
  }
  const before = readFileSync(project.path('report.csv'), 'utf8')
  const { stderr, stdout } = await project.vitest(['--merge-reports'], { CSV: 'report.csv' })
  expect(stdout).toContain('basics.test.mjs')
  expect(stderr).not.toContain('golden-logits:')
  expect(readFileSync(project.path('report.csv'), 'utf8')).toBe(before)
})

describe('rows of a run that was killed', () => {
  async function killed(): Promise<Project> {
    const project = new Project('vitest')
    const env = { END: 'wait', WAITS: project.path('waits'), CSV: 'report.csv' }
    const child = project.start(VITEST, ['run', 'ends', '--pool=threads'], env)
    const run = ended(child)
    await existing(env.WAITS)
    child.kill('SIGKILL')
    await run
    return project
  }

  test('become its report, from wherever they were copied to', async () => {
    const project = await killed()
    mkdirSync(project.path('elsewhere'))
    renameSync(project.path('.golden-logits'), project.path('elsewhere/.golden-logits'))
    const { code, stderr } = await merge(project, 'elsewhere/.golden-logits', '-o', 'report.csv')
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /^golden-logits: \S*report\.csv \(14 rows, 0 failed\)\ngolden-logits: .*run-\S+ can be deleted now/,
    )
    expect(new Set(project.report('report.csv').map(({ test_file }) => test_file))).toEqual(new Set(['ends.test.mjs']))
    expect(readdirSync(project.path('elsewhere/.golden-logits'))).toHaveLength(2)
  })

  test('join other reports, leave out torn lines with a note, and are written to the given path', async () => {
    const project = await killed()
    const runDir = readdirSync(project.path('.golden-logits')).find((name) => name.startsWith('run-'))
    const spool = readdirSync(project.path('.golden-logits', runDir!)).find((name) => name.endsWith('.jsonl'))
    const path = project.path('.golden-logits', runDir!, spool!)
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"kind":"token","id":"x`)
    await project.vitest(['retry'], { CSV: 'retry.csv' })
    const { code, stderr } = await merge(project, 'retry.csv', '.golden-logits', '-o', 'all/', '--remove')
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /^golden-logits: \S*all[\\/]msit_cmp_report_\d{14}\.csv \(19 rows, 0 failed, 1 torn line left out\)\n$/,
    )
    expect(readdirSync(project.path('.golden-logits'))).toEqual(['.gitignore'])
    expect(project.report(`all/${project.reports('all')[0]}`)).toHaveLength(19)
  })
})

describe('refuses', () => {
  test.each<[string, string[], number, RegExp]>([
    ['no command', [], 2, /^golden-logits: a command is missing \(golden-logits --help shows how\)\n$/],
    ['an unknown command', ['mrege'], 2, /there is no command 'mrege'; there are compare, .*merge/],
    ['no input', ['merge'], 2, /merge needs CSV files, or folders that contain them/],
    ['an unknown option', ['merge', 'a.csv', '--out=b.csv'], 2, /unknown option '--out=b\.csv'|unknown option '--out'/],
    ['what is not there', ['merge', 'a.csv'], 3, /a\.csv: there is no such file or folder/],
    ['a pattern without a match', ['merge', '*.csv'], 3, /\*\.csv: the pattern matches no file or folder/],
    ['a folder without a report', ['merge', '.'], 3, /the folder contains no CSV and no rows of a run/],
    ['what is no report', ['merge', 'vitest.config.mjs'], 3, /this is not a report of golden-logits: its first line/],
  ])('%s', async (_, args, code, text) => {
    const project = new Project('vitest')
    const run = await ended(project.start(CLI, args, {}))
    expect(run).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(text) })
    expect(project.made()).toEqual([])
  })

  test('reports that were cut off, are of another version, or hold the same test twice; and unwritable targets', async () => {
    const project = new Project('vitest')
    await project.vitest(['retry', 'basics'], { CSV: 'report.csv' })
    const text = readFileSync(project.path('report.csv'), 'utf8')
    const refused = async (code: number, pattern: RegExp, ...args: string[]) => {
      const run = await merge(project, ...args, '-o', 'out.csv')
      expect(run).toMatchObject({ code, stderr: expect.stringMatching(pattern) })
      expect(project.made()).not.toContain('out.csv')
    }
    writeFileSync(project.path('cut.csv'), text.slice(0, -40))
    await refused(3, /cut\.csv: row 42 has \d+ cells instead of \d+: was the file cut off\?/, 'cut.csv')
    writeFileSync(project.path('cut.csv'), text.slice(0, text.indexOf('""quoted') + 4))
    await refused(3, /cut\.csv: its last row ends within a quoted cell: was the file cut off\?/, 'cut.csv')
    writeFileSync(project.path('old.csv'), text.replaceAll(',is_soft,', ',is_hard,'))
    await refused(
      3,
      /old\.csv: another version of golden-logits wrote it, with other columns \(it has no is_soft\)/,
      'old.csv',
    )
    const last = text.lastIndexOf('\n', text.length - 2) + 1
    writeFileSync(project.path('cut.csv'), text.slice(0, last))
    await refused(
      3,
      /cut\.csv: the report has 40 rows, but its column report_rows says 41: was the file cut/,
      'cut.csv',
    )
    writeFileSync(project.path('cut.csv'), text.slice(0, -1))
    await refused(3, /cut\.csv: its last line has no line end: was the file cut off\?/, 'cut.csv')
    writeFileSync(project.path('cut.csv'), text.slice(0, text.indexOf('\n') + 1))
    await refused(3, /cut\.csv: the report has no rows: was the file cut off\?/, 'cut.csv')
    writeFileSync(project.path('more.csv'), text + text.slice(last))
    await refused(3, /more\.csv: the report has 42 rows, .* says 41: were rows added\?/, 'more.csv')
    const same = await merge(project, 'report.csv', '-o', 'report.csv')
    expect(same).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/report\.csv: this is an input and the output/),
    })
    expect(readFileSync(project.path('report.csv'), 'utf8')).toBe(text)
    writeFileSync(project.path('copy.csv'), text)
    await refused(3, /copy\.csv: has rows of basics\.test\.mjs, and so does .*report\.csv/, 'report.csv', 'copy.csv')
    const blocked = await merge(project, 'report.csv', '-o', 'copy.csv/out.csv')
    expect(blocked).toMatchObject({ code: 4, stderr: expect.stringContaining('the report cannot be written: ') })
  })

  test('to write over a file that is not a report', async () => {
    const project = new Project('vitest')
    await project.vitest(['retry'], { CSV: 'report.csv' })
    writeFileSync(project.path('notes.csv'), 'mine')
    const run = await merge(project, 'report.csv', '-o', 'notes.csv')
    expect(run).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('this file is not a report of golden-logits'),
    })
    expect(run.stderr).toContain('so it is not overwritten; delete it, or name another --output')
    expect(readFileSync(project.path('notes.csv'), 'utf8')).toBe('mine')
    expect(await merge(project, 'report.csv', '-o', 'page.html')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("or a file that ends in .csv, not 'page.html'"),
    })
  })

  test('nothing if the report begins with a byte order mark', async () => {
    const project = new Project('vitest')
    await project.vitest(['retry'], { CSV: 'report.csv' })
    const text = readFileSync(project.path('report.csv'), 'utf8')
    writeFileSync(project.path('marked.csv'), `\uFEFF${text}`)
    expect((await merge(project, 'marked.csv', '-o', 'out.csv')).code).toBe(0)
    expect(readFileSync(project.path('out.csv'), 'utf8')).toBe(text)
  })

  test('nothing with --help', async () => {
    const project = new Project('vitest')
    for (const args of [
      ['help', 'merge'],
      ['merge', '-h'],
    ]) {
      const run = await ended(project.start(CLI, args, {}))
      expect(run).toMatchObject({ code: 0, stderr: '' })
      expect(run.stdout).toContain('golden-logits merge [options] [inputs...]')
      expect(run.stdout).toContain(
        'Exit codes: 0 merged, 1 merged, but rows of a killed run are lost, 2 wrong usage, 3 an input',
      )
    }
  })
})
