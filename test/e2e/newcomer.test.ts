import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { ended, JEST, Project, type Run } from './project.js'

/** The part of a runner's output about one failing test. */
function failureOf(stderr: string, test: string): string {
  const start = stderr.indexOf(`> ${test}\n`)
  expect(start).toBeGreaterThan(0)
  return stderr.slice(start, stderr.indexOf('⎯⎯⎯', start))
}

describe('errors and timeouts in Vitest', () => {
  let run: Run
  let lines: string[]

  beforeAll(async () => {
    const project = new Project('vitest', 'hook')
    lines = readFileSync(project.path('newcomer.test.mjs'), 'utf8').split('\n')
    run = await project.vitest(['newcomer'], { NO_REPORTER: '1' })
    return () => project.remove()
  })

  test.each([
    ['a path to nothing', 'GoldenLogitsError: nowhere: there is no such file or folder'],
    ['a misspelt option', "GoldenLogitsError: there is no option 'dtyp'; there are dtype, thresholds"],
    ['.not of a snapshot', 'GoldenLogitsError: toMatchLogitsSnapshot cannot be used with .not'],
    ['a poll of a snapshot', 'GoldenLogitsError: toMatchLogitsSnapshot cannot be used with expect.poll'],
    ['after .resolves', 'GoldenLogitsError: nowhere: there is no such file or folder'],
    ['loadDump', 'GoldenLogitsError: nowhere: there is no such file or folder'],
    ['lazyDumps', "GoldenLogitsError: the dump declared as 'gone': gone: there is no such file or folder"],
    ['compareDumps', 'GoldenLogitsError: nowhere: there is no such file or folder'],
    ['readTensors', 'GoldenLogitsError: nowhere: there is no such file'],
  ])('%s points at the line of the test, with its code', (title, message) => {
    const failure = failureOf(run.stderr, title)
    const line = lines.findIndex((text) => text.endsWith(`// here: ${title}`)) + 1
    expect(failure).toContain(message)
    expect(failure).toMatch(new RegExp(`^ ❯ newcomer\\.test\\.mjs:${line}:\\d+\n`, 'm'))
    expect(failure).toMatch(new RegExp(`^ +${line}\\| `, 'm'))
    // Neither a frame nor code of this package.
    expect(failure).not.toMatch(/dist[\\/]|golden-logits[\\/]/)
  })

  test('one line explains the timeout of a test whose comparisons take too long', () => {
    expect(failureOf(run.stderr, 'too long for its timeout')).toContain('Test timed out in 1ms')
    expect(run.stderr.match(/^golden-logits: .*$/gm)).toEqual([
      expect.stringMatching(
        /^golden-logits: comparing 12 tokens took [\d.]+ s, and this test's timeout is 0\.001 s, so Vitest reports that the test timed out; set testTimeout: 10000 in the config, or test\('…', \{ timeout: 10000 \}, …\)$/,
      ),
    ])
    expect(failureOf(run.stderr, 'too long, and fails')).toContain('First token over threshold: token 3')
    expect(failureOf(run.stderr, 'too long, but not by a comparison')).toContain('Test timed out in 3000ms')
  })
})

test('Jest with the globals of jsdom runs the gate, threads, snapshots, URLs and readers', async () => {
  const project = new Project('jest')
  const args = ['--testPathPatterns', 'jsdom', '--ci=false']
  const { code, stderr } = await ended(project.start(JEST, args, { CSV: 'report.csv' }))
  expect(stderr).toContain('Tests:       7 passed, 7 total')
  expect(stderr).toContain('2 written')
  expect(code).toBe(0)
  expect(project.report('report.csv').filter(({ pass }) => pass !== 'true')).toEqual([])
})
