import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { recordsOf, rowsOf } from '../lib/csv.mjs'
import { tail } from '../lib/run.mjs'

/** Columns whose value no two runs share. */
const OF_THE_RUN = ['duration_ms']

/**
 * What a run found, less what may differ: the project's folder (`<project>`), durations, the runner's own stack traces
 * and colours. Everything else must be the same to the byte.
 * @returns {{ verdicts: Record<string, string>, messages: Record<string, string>, csv: string }}
 */
export function outcomeOf(project, { tests }, csv) {
  const names = Object.keys(tests).sort()
  const portable = (text) => text.replaceAll(project.root, '<project>')
  return {
    verdicts: Object.fromEntries(names.map((name) => [name, tests[name].status])),
    messages: Object.fromEntries(names.map((name) => [name, portable(ownMessage(tests[name].message))])),
    csv: portable(withoutColumns(csv, OF_THE_RUN)),
  }
}

/** Without the error's class before it and the stack behind it, which are the runner's. */
function ownMessage(text) {
  const plain = text.replace(/\u001b\[[\d;]*m/g, '')
  return plain
    .replace(/^(?:\w*Error: )+/, '')
    .replace(/(?:\n\s+at .*)+[\s\S]*$/, '')
    .trimEnd()
}

/** Empties cells and leaves every other byte of the text as it is. */
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

/** The tests' names say how they must end: no run is right because another is as wrong. */
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

/** Every row of what had ended before the worker was killed, and one of what had not. */
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
  ok(ended.code !== 0, 'the run of a killed worker passes')
  return 'all 48 rows, 1 unfinished'
}

/** The first difference of two outcomes, in a few lines. */
export function differenceOf(one, other) {
  for (const part of ['verdicts', 'messages', 'csv']) {
    const [a, b] = [one, other].map((outcome) =>
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
