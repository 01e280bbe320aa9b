import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { recordsOf, rowsOf } from '../lib/csv.mjs'
import { tail } from '../lib/run.mjs'

/** Columns that differ between any two runs. */
const OF_THE_RUN = ['duration_ms']

/**
 * The result of a run without the parts that may differ: the project's folder (replaced by `<project>`), durations, and the
 * runner's stack traces and colours. Everything else must be the same byte for byte.
 * @returns {{ verdicts: Record<string, string>, messages: Record<string, string>, csv: string }}
 */
export function outcomeOf(project, { tests }, csv) {
  const names = Object.keys(tests).sort()
  const portable = (text) => text.replaceAll(project.root, '<project>')
  return {
    verdicts: Object.fromEntries(names.map((name) => [name, tests[name].status])),
    messages: Object.fromEntries(names.map((name) => [name, portable(plainMessage(tests[name].message))])),
    csv: portable(withoutColumns(csv, OF_THE_RUN)),
  }
}

/** Removes what the runner adds: the error's class before the message and the stack trace after it. */
function plainMessage(text) {
  const plain = text.replace(/\u001b\[[\d;]*m/g, '')
  return plain
    .replace(/^(?:\w*Error: )+/, '')
    .replace(/(?:\n\s+at .*)+[\s\S]*$/, '')
    .trimEnd()
}

/** Empties the cells of some columns and keeps every other byte. */
function withoutColumns(text, names) {
  const [header] = recordsOf(text)
  const indices = names.map((name) => header.indexOf(name))
  ok(!indices.includes(-1), `the report has no column ${names}`)
  let column = 0
  let line = 0
  return text.replace(/((?:"(?:[^"]|"")*")|[^",\r\n]*)(,|\r?\n|$)/g, (all, _cell, end) => {
    const emptied = line > 0 && indices.includes(column) && all !== '' ? end : all
    if (end === ',') column++
    else {
      column = 0
      line++
    }
    return emptied
  })
}

/** The name of a test says how it must end. Comparing runs alone would accept the same wrong result in all of them. */
export function checkVerdicts({ verdicts, messages, csv }, ended) {
  const wrong = Object.entries(verdicts).filter(([name, status]) => {
    return status !== (/\bfails\b/.test(name) ? 'failed' : 'passed')
  })
  deepEqual(wrong, [], tail(ended.out + ended.err, 40))
  equal(Object.keys(verdicts).length, 23)
  equal(ended.code, 1, `the runner ended with ${ended.code}`)
  match(messages['the degraded build fails'], /First token over threshold: token 3 /)
  const rows = rowsOf(csv)
  for (const [name] of Object.entries(verdicts)) {
    if (name === 'passes where nothing is reported') continue
    ok(
      rows.some(({ test_name }) => test_name === name),
      `the report has no row of '${name}'`,
    )
  }
  return `${rows.length} rows`
}

/** The report has all rows of the comparisons that ended before the worker was killed, and one row for the unfinished one. */
export function checkKilled(csv, ended) {
  const count = (rows) =>
    Object.fromEntries(
      rows
        .map(({ test_name, verdict }) => `${test_name}: ${verdict}`)
        .sort()
        .map((key, _, all) => [key, all.filter((other) => other === key).length]),
    )
  deepEqual(count(rowsOf(csv)), {
    'dies within a comparison: unfinished': 1,
    'passes 1: pass': 12,
    'passes 2: pass': 12,
    'passes 3: pass': 12,
    'passes in another worker: pass': 12,
  })
  ok(ended.code !== 0, 'the run passes although a worker was killed')
  return 'all 48 rows, 1 unfinished'
}

/** The first difference between two outcomes, in a few lines. */
export function differenceOf(left, right) {
  for (const part of ['verdicts', 'messages', 'csv']) {
    const [a, b] = [left, right].map((outcome) =>
      (part === 'csv' ? outcome.csv : JSON.stringify(outcome[part], null, 1)).split('\n'),
    )
    const at = a.findIndex((line, i) => line !== b[i])
    if (at >= 0 || a.length !== b.length) {
      const i = at < 0 ? a.length : at
      return `${part}, line ${i + 1}:\n  ${a[i] ?? '(nothing)'}\n  ${b[i] ?? '(nothing)'}`
    }
  }
  return undefined
}
