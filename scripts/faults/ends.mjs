// Ways in which a worker or the runner itself ends before its time.
import { equal, match, ok } from 'node:assert/strict'

/** Two comparisons end before the fault: 12 and 2 rows. Another file, in another worker, has 12 more. */
const BEFORE = 14
const OTHER = 12

/** A test file whose last test ends its process, and one beside it. */
function deadly(suite, end) {
  suite.test(`
    test('before', () => gate())
    test('the end', async () => { gate('npu', { steps: [0, 1] }); ${end} }, 60000)`)
  suite.test(`test('beside', () => gate())`, 'b')
}

/** A worker that ends itself. The rows that it had made, and the rows of the other worker, are kept; the run fails. */
function workerEnds(name, end, { args = [], env = {}, runners = () => true } = {}) {
  return {
    name,
    runners,
    needsSignals: end.includes('SIG'),
    async run(suite) {
      deadly(suite, end)
      const { code, text } = await suite.run(args, { env })
      return { due: BEFORE + OTHER, kept: suite.rows().length, code, text, isRed: true }
    },
  }
}

/** A comparison that is not finished gets a row that says so. */
const WITHIN = {
  name: 'worker: kill -9 within a comparison',
  needsSignals: true,
  async run(suite) {
    deadly(
      suite,
      `const dump = loadDump('../dumps/npu')
       const dying = { ...dump, get steps() { process.kill(process.pid, 'SIGKILL'); return dump.steps } }
       expect(dying).toMatchGoldenLogits('../dumps/gpu')`,
    )
    const { code, text } = await suite.run()
    const rows = suite.rows()
    equal(
      rows.filter(({ verdict }) => verdict === 'unfinished').length,
      1,
      'one row says that a comparison is unfinished',
    )
    match(text, /report is incomplete: 1 comparison unfinished|1 unfinished comparison/)
    return { due: BEFORE + OTHER + 1, kept: rows.length, code, text, isRed: true }
  },
}

const WAIT = `fs.writeFileSync('waits', ''); await new Promise(() => {})`
const MEMORY = 'const hoard = []; for (;;) hoard.push(new Array(100_000).fill(hoard.length))'

/** A signal to the runner while one worker waits for ever and the other one is done. */
function runnerEnds(name, signal, { toGroup = false } = {}) {
  return {
    name,
    needsSignals: true,
    async run(suite) {
      deadly(suite, WAIT)
      const during = async (child) => {
        await suite.written('waits')
        await new Promise((resolve) => setTimeout(resolve, 3000))
        process.kill(toGroup ? -child.pid : child.pid, signal)
      }
      const ended = await suite.run([], { during })
      const { code, signal: by, text } = ended
      const rows = suite.rows()
      const result = { due: BEFORE + OTHER, kept: rows.length, code: code ?? by, text, isRed: true }
      if (signal !== 'SIGKILL') return result
      equal(rows.length, 0, 'nobody could write a report')
      const merged = await suite.command('merge', '.golden-logits', '--output', 'out/report.csv')
      ok(/run-/.test(merged.err + merged.out), merged.err)
      return { ...result, kept: suite.rows().length, note: 'kept by golden-logits merge' }
    },
  }
}

/** Jest runs a single file in its own process: a test that calls process.exit(0) ends all of Jest. */
const IN_BAND = {
  name: 'runner: process.exit(0) in its process',
  runners: ({ isJest }) => isJest,
  async run(suite) {
    suite.test(`
      test('before', () => gate())
      test('the end', () => { gate('npu-degraded', { steps: [3] }) })
      test('exits', () => { process.exit(0) })`)
    const { code, text } = await suite.run(['-i'])
    return { due: 13, kept: suite.rows().length, code, text, isRed: true }
  },
}

export const ENDS = [
  workerEnds('worker: kill -9', `process.kill(process.pid, 'SIGKILL')`),
  WITHIN,
  workerEnds('worker: SIGTERM', `process.kill(process.pid, 'SIGTERM'); ${WAIT}`),
  workerEnds('worker: SIGHUP', `process.kill(process.pid, 'SIGHUP'); ${WAIT}`),
  workerEnds('worker: SIGINT', `process.kill(process.pid, 'SIGINT'); ${WAIT}`),
  workerEnds('worker: out of memory', MEMORY, { env: { NODE_OPTIONS: '--max-old-space-size=150' } }),
  workerEnds('worker thread: out of memory', MEMORY, {
    env: { NODE_OPTIONS: '--max-old-space-size=150' },
    args: ['--pool=threads'],
    runners: ({ isJest }) => !isJest,
  }),
  workerEnds('worker: process.exit(0)', 'process.exit(0)'),
  workerEnds('worker: process.reallyExit(0)', 'process.reallyExit(0)'),
  IN_BAND,
  runnerEnds('runner: Ctrl-C (SIGINT to the group)', 'SIGINT', { toGroup: true }),
  runnerEnds('runner: SIGINT', 'SIGINT'),
  runnerEnds('runner: SIGTERM', 'SIGTERM'),
  runnerEnds('runner: SIGHUP', 'SIGHUP'),
  runnerEnds('runner: SIGHUP to the group (closed terminal)', 'SIGHUP', { toGroup: true }),
  runnerEnds('runner: kill -9', 'SIGKILL'),
]
