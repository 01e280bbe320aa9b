import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { RENDERINGS } from '../../src/report/renderings.js'
import { spoolReport } from '../../src/reporters/spool-report.js'
import { errorOf } from '../build/error-of.js'

// As a worker writes them.
const STARTED = {
  ...{ kind: 'started', v: 3, id: 'a', project: '', file: 'a.test.ts', test: 'x', testIsSure: true, testId: '1' },
  ...{ repetition: 1, attempt: 1, ordinal: 1, matcher: 'toMatchGoldenLogits', isNot: false, soft: false, poll: false },
  at: 1_700_000_000_000,
}
const THRESHOLDS = { precision: 'bf16', klDivergence: 0.005, cosineSimilarity: 0.999 }
const COMPARED = { kind: 'compared', id: 'a', thresholds: THRESHOLDS }
const TOKEN = { step: 0, verdict: 'pass', pass: true, reason: '', metrics: { klDivergence: 1e-6 } }
const row = (token: object) => ({ kind: 'token', token, types: { golden: 'Linear' }, id: 'a' })
const FINISHED = { kind: 'finished', id: 'a', durationMs: 5, expectation: 'met', notes: ['n'], warnings: [], tokens: 2 }
const LINES = [STARTED, COMPARED, row(TOKEN), row({ ...TOKEN, step: 1 }), FINISHED]

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spool-reader-'))
  writeFileSync(join(root, 'all-kept'), '')
  return () => rmSync(root, { recursive: true })
})

/** All that a report is made of. */
function read(lines: readonly unknown[] | string) {
  const text = typeof lines === 'string' ? lines : lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  writeFileSync(join(root, '1-0.jsonl'), text)
  const report = spoolReport(root, RENDERINGS.csv)
  const summary = { total: 2, rows: 0, failed: 0, unfinished: 0 }
  const rows = report.parts.flatMap(({ lines }) => [...lines(summary)])
  return { rows, losses: report.losses, document: report.document(), kl: report.klLines(), failing: report.failing() }
}

test('lines as workers write them are read', () => {
  const { rows, losses, document } = read(LINES)
  expect(rows).toHaveLength(2)
  expect(losses).toEqual({ rows: 0, isUnknown: false, tornLines: 0 })
  const [comparison] = document.comparisons
  expect(comparison).toMatchObject({ pass: true, thresholds: THRESHOLDS, verdicts: { pass: 2 } })
  expect(comparison?.tokens).toEqual([TOKEN, { ...TOKEN, step: 1 }])
})

test('what a later version adds is left out, and the number of tokens may be absent', () => {
  const { tokens: _, ...finished } = FINISHED
  const more = [{ ...STARTED, later: [1] }, COMPARED, row({ ...TOKEN, later: 1 }), { ...finished, later: null }]
  const { document } = read(more)
  expect(document.comparisons[0]?.tokens).toEqual([TOKEN])
})

test('a line that a killed worker did not end is counted, with any content', () => {
  const text = LINES.map((line) => `${JSON.stringify(line)}\n`).join('')
  expect(read(`${text}{"kind":"token","id":"x`).losses.tornLines).toBe(1)
  expect(read(`${text}\0\0\0\n{"kind":5,"id":"x"}\n`).losses.tornLines).toBe(2)
})

const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)

describe('lines that no worker wrote are refused', () => {
  test.each<readonly [number, object, RegExp]>([
    [
      0,
      { ...STARTED, file: 5 },
      /the line at byte 0 is none that golden-logits wrote: file is 5, expected a string; was/,
    ],
    [0, { ...STARTED, test: undefined }, /test is absent, expected a value/],
    [0, { ...STARTED, at: '<b>' }, /at is '<b>', expected a number/],
    [0, { ...STARTED, isNot: 'no' }, /isNot is 'no', expected a boolean/],
    [1, { ...COMPARED, thresholds: [] }, /thresholds is a list, expected an object/],
    [1, { ...COMPARED, metrics: ['kl\u001b'] }, /metrics\[0\] is 'kl\\x1b', expected "reverseKlDivergence" or/],
    [1, { kind: 'other', id: 'a' }, /kind is 'other', expected one of started, compared, token, finished, lost;/],
    [1, { kind: '__proto__', id: 'a' }, /kind is '__proto__', expected one of/],
    [2, row({ ...TOKEN, step: '0' }), /token\.step is '0', expected a number/],
    [2, row({ ...TOKEN, reason: undefined }), /token\.reason is absent, expected a value/],
    [2, row({ ...TOKEN, verdict: '<img>' }), /token\.verdict is '<img>', expected "pass" or/],
    [2, row({ ...TOKEN, metrics: { klDivergence: null } }), /token\.metrics\.klDivergence is null, expected a number/],
    [4, { ...FINISHED, expectation: 'Met' }, /expectation is 'Met', expected "met" or "not met" or "error"/],
    [4, { ...FINISHED, notes: 'none' }, /notes is 'none', expected a list/],
    [4, { ...FINISHED, warnings: [deep] }, /warnings\[0\] is a list, expected a string/],
    [4, { kind: 'lost', id: 'a', rows: 'all', error: 'full' }, /rows is 'all', expected a number/],
  ])('line %i', (index, line, message) => {
    const text = LINES.map((good) => JSON.stringify(good))
    // What nests deeply is more than JSON.stringify takes.
    text[index] = JSON.stringify(line, (_, value) => (value === deep ? '@' : value)).replace(
      '"@"',
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
    )
    const error = errorOf(() => read(`${text.join('\n')}\n`))
    expect(error).toMatchObject({ code: 'unsupported-format', file: join(root, '1-0.jsonl') })
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/was the file edited\?$/)
    expect(error.message).not.toMatch(/\p{Cc}/u)
  })

  test('a token that was cut within its line', () => {
    const text = LINES.map((line) => `${JSON.stringify(line)}\n`).join('')
    const error = errorOf(() => read(text.replace('"step":1,', '"step":1,,')))
    expect(error).toMatchObject({ code: 'unsupported-format', message: expect.stringContaining('it is no token') })
  })

  test('a comparison that passes without one of its tokens, or with one more', () => {
    const without = errorOf(() => read(LINES.toSpliced(3, 1)))
    expect(without.message).toMatch(
      /none that golden-logits wrote: 1 token instead of 2 precede it; was the file edited\?/,
    )
    const twice = errorOf(() => read(LINES.toSpliced(3, 0, LINES[3]!)))
    expect(twice.message).toMatch(/3 tokens instead of 2 precede it/)
    expect([without.code, twice.code]).toEqual(['unsupported-format', 'unsupported-format'])
  })
})
