// Runs in which a row could be lost, replaced or taken for another one: no process ends, no disk is full.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync } from 'node:fs'

const GOOD_AND_BAD = `test('good', () => gate())
test('bad', () => gate('npu-degraded'))`

const failed = (rows) => rows.filter(({ pass, expectation }) => pass !== 'true' && expectation !== 'met').length

/** The summary names the report and counts its rows. */
function summaryOf(text) {
  const [, rows, failures] = /report\.csv \((\d+) rows?, (\d+) failed[,)]/.exec(text) ?? []
  return { rows: Number(rows), failed: Number(failures) }
}

const ENVIRONMENT = {
  name: 'a test replaces process.env',
  async run(suite) {
    suite.test(`test('first', () => gate())
      test('second', () => { process.env = { NODE_ENV: 'test' }; gate('npu-degraded') })`)
    const { code, text } = await suite.run()
    deepEqual(summaryOf(text), { rows: 24, failed: 1 })
    return { due: 24, kept: suite.rows().length, code, text, isRed: true }
  },
}

const ENVIRONMENT_OF_SETUP = {
  name: 'a setup file replaces process.env',
  async run(suite) {
    suite.configure({ vitest: "setupFiles: ['./setup.mjs']", jest: "setupFiles: ['./setup.cjs']" })
    suite.write(`setup.${suite.isJest ? 'cjs' : 'mjs'}`, `process.env = { NODE_ENV: 'test' }\n`)
    suite.test(GOOD_AND_BAD)
    suite.test(`test('beside', () => gate())`, 'b')
    const { code, text } = await suite.run()
    deepEqual(summaryOf(text), { rows: 36, failed: 1 })
    return { due: 36, kept: suite.rows().length, code, text, isRed: true }
  },
}

const REPEATS = {
  name: 'repeats: one of three repetitions fails',
  runners: ({ isJest }) => !isJest,
  async run(suite) {
    suite.test(`let n = 0
      test('three times', { repeats: 2 }, () => { n++; gate(n === 1 ? 'npu-degraded' : 'npu') })`)
    const { code, text } = await suite.run()
    const rows = suite.rows()
    deepEqual(summaryOf(text), { rows: 36, failed: 1 })
    deepEqual([...new Set(rows.map(({ repetition }) => repetition))], ['1', '2', '3'])
    equal(rows.find(({ pass }) => pass !== 'true').repetition, '1')
    return { due: 36, kept: rows.length, code, text, isRed: true }
  },
}

/** Only the last attempt counts: the runner says that the test passes. */
const RETRIES = {
  name: 'retries: the second attempt passes',
  async run(suite) {
    suite.test(`let n = 0\n${suite.retried('flaky', `n++; gate(n === 1 ? 'npu-degraded' : 'npu')`)}`)
    const { code, text } = await suite.run()
    const rows = suite.rows()
    deepEqual(summaryOf(text), { rows: 12, failed: 0 })
    deepEqual([...new Set(rows.map(({ attempt }) => attempt))], ['2'])
    return { due: 12, kept: rows.length, code, text, isRed: false }
  },
}

/** One test file in two projects, of which one fails. */
function projects(name, workers) {
  return {
    name,
    async run(suite) {
      const one = (engine) =>
        suite.isJest
          ? `{ displayName: '${engine}', transform: {}, testMatch: ['<rootDir>/*.test.cjs'], globals: { ENGINE: '${engine}' } }`
          : `{ extends: true, test: { name: '${engine}', env: { ENGINE: '${engine}' } } }`
      const config = `projects: [${one('cpu')}, ${one('npu')}]`
      suite.configure({ vitest: config, jest: config })
      const engine = suite.isJest ? 'ENGINE' : 'process.env.ENGINE'
      suite.test(`test('gate', () => gate(${engine} === 'cpu' ? 'npu-degraded' : 'npu'))`)
      const { code, text } = await suite.run([`--maxWorkers=${workers}`])
      const rows = suite.rows()
      deepEqual(summaryOf(text), { rows: 24, failed: 1 })
      for (const project of ['cpu', 'npu']) equal(rows.filter((row) => row.project === project).length, 12, project)
      equal(rows.find(({ pass }) => pass !== 'true').project, 'cpu')
      return { due: 24, kept: rows.length, code, text, isRed: true }
    },
  }
}

const SHARDS = {
  name: 'two shards, merged',
  async run(suite) {
    for (const name of ['a', 'b', 'c']) suite.test(GOOD_AND_BAD, name)
    const whole = await suite.run()
    const rows = suite.rows()
    for (const shard of [1, 2]) {
      suite.configure({ reporters: [{ csv: `shard-${shard}.csv`, html: false }] })
      await suite.run([`--shard=${shard}/2`])
      ok(suite.rows(`shard-${shard}.csv`).length > 0, 'a shard has no rows')
    }
    const {
      code: merged,
      out,
      err,
    } = await suite.command('merge', 'shard-1.csv', 'shard-2.csv', '--output', 'merged.csv')
    equal(merged, 0, out + err)
    const timeless = (all) => all.map((row) => ({ ...row, duration_ms: '' }))
    deepEqual(timeless(suite.rows('merged.csv')), timeless(rows))
    // A shard that was cut off is refused.
    const text = suite.read('shard-1.csv')
    for (const [cut, reason] of [
      [
        text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1),
        /but its column report_rows says \d+: was the file cut off\?/,
      ],
      [text.slice(0, -1), /its last line has no line end: was the file cut off\?/],
    ]) {
      suite.write('cut.csv', cut)
      const refused = await suite.command('merge', 'cut.csv', '--output', 'other.csv')
      equal(refused.code, 3)
      match(refused.err, reason)
      equal(existsSync(suite.path('other.csv')), false)
    }
    suite.write('marked.csv', `\uFEFF${text}`)
    equal((await suite.command('merge', 'marked.csv', '--output', 'other.csv')).code, 0)
    return { due: 72, kept: suite.rows('merged.csv').length, code: whole.code, text: whole.text, isRed: true }
  },
}

const REPORTERS = {
  name: 'two reporters',
  async run(suite) {
    suite.configure({ reporters: [{ csv: 'out/report.csv' }, { csv: 'out/b.csv', html: 'out/b.html' }] })
    suite.test(GOOD_AND_BAD)
    const { code, text } = await suite.run()
    deepEqual(suite.rows(), suite.rows('out/b.csv'))
    match(suite.read('out/b.html'), /golden-logits: 2 comparisons, 1 fails/)
    equal(existsSync(suite.path('.golden-logits')), false, 'the rows are removed once all reports are written')
    return { due: 24, kept: suite.rows().length, code, text, isRed: true }
  },
}

/** The report of an earlier run must not be taken for that of a run whose gate never ran. */
const STALE = {
  name: 'an earlier report, and a dump that is gone',
  async run(suite) {
    suite.configure({ reporters: [{ csv: 'out/report.csv', html: 'out/report.html', json: 'out/report.json' }] })
    suite.test(
      `test('gate', () => { expect(loadDump(process.env.DUMP)).toMatchGoldenLogits('../dumps/gpu', { dtype: 'bf16' }) })`,
    )
    equal((await suite.run([], { env: { DUMP: '../dumps/npu' } })).code, 0)
    equal(suite.rows().length, 12)
    match(suite.read('out/report.html'), /all within limits/)
    const { code, text } = await suite.run([], { env: { DUMP: '../dumps/not-there' } })
    const rows = suite.rows()
    deepEqual(summaryOf(text), { rows: 1, failed: 1 })
    equal(rows[0].verdict, 'unreadable')
    match(rows[0].reason, /not-there: there is no such file or folder/)
    match(suite.read('out/report.html'), /1 comparison, 1 fails/)
    // A run that compares nothing leaves no report at all.
    suite.test(`test('nothing', () => {})`)
    equal((await suite.run()).code, 0)
    for (const file of ['csv', 'html', 'json']) equal(existsSync(suite.path(`out/report.${file}`)), false, file)
    return { due: 1, kept: rows.length, code, text, isRed: true }
  },
}

/** An update accepts the new logits: the rows say that the expectation is met, as the run does. */
const UPDATE = {
  name: 'an update of a snapshot (-u)',
  async run(suite) {
    suite.test(`test('snapshot', () => snapshot('npu'))`)
    equal((await suite.run()).code, 0)
    suite.test(`test('snapshot', () => snapshot('npu-degraded'))`)
    const { code, text } = await suite.run(['-u'])
    equal(failed(suite.rows()), 0)
    deepEqual(summaryOf(text), { rows: 12, failed: 0 })
    suite.test(`test('snapshot', () => snapshot('npu-degraded', { fidelity: 'compact' }))`)
    const other = await suite.run()
    equal(other.code, 1)
    match(other.text, /the snapshot has fidelity 'full', but the option fidelity is 'compact'/)
    ok(failed(suite.rows()) > 0, 'the report says that it failed')
    return { due: 12, kept: 12, code, text, isRed: false }
  },
}

const JSDOM = {
  name: "testEnvironment: 'jsdom'",
  runners: ({ isJest }) => isJest,
  async run(suite) {
    suite.configure({ jest: "testEnvironment: 'jsdom'" })
    suite.test(GOOD_AND_BAD)
    const { code, text } = await suite.run()
    deepEqual(summaryOf(text), { rows: 24, failed: 1 })
    return { due: 24, kept: suite.rows().length, code, text, isRed: true }
  },
}

const FOREIGN_REPORT = {
  name: 'a file that is not ours where a report goes',
  async run(suite) {
    suite.test(GOOD_AND_BAD)
    let ended
    for (const [option, file] of [
      ['csv', 'mine.csv'],
      ['html', 'mine.html'],
      ['json', 'mine.json'],
    ]) {
      suite.configure({ reporters: [{ csv: 'out/report.csv', [option]: file }] })
      suite.write(file, 'mine')
      ended = await suite.run()
      equal(ended.code, 1)
      match(
        ended.text,
        new RegExp(
          `${file}: this file is not a report of golden-logits, so it is not overwritten; delete it, or name another path with the reporter's option ${option}`,
        ),
      )
      equal(suite.read(file), 'mine')
    }
    return { due: 0, kept: suite.rows().length, code: ended.code, text: ended.text, isRed: true, note: 'no test runs' }
  },
}

export const RUNS = [
  ENVIRONMENT,
  ENVIRONMENT_OF_SETUP,
  REPEATS,
  RETRIES,
  projects('projects, on two workers', 2),
  projects('projects, on one worker', 1),
  SHARDS,
  REPORTERS,
  STALE,
  UPDATE,
  JSDOM,
  FOREIGN_REPORT,
]
