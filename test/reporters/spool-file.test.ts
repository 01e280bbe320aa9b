import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { beforeEach, describe, expect, test } from 'vitest'
import { closeRun, isMarkedIncomplete, openRun, RUN_DIR_VARIABLE } from '../../src/reporters/run-dirs.js'
import type { FinishedLine } from '../../src/reporters/spool.js'
import { appendToSpool, LostRows, lostRowsIn } from '../../src/reporters/spool-file.js'

const line = (id: string): FinishedLine => ({ kind: 'finished', id, expectation: 'met', durationMs: 1 })
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spool-'))
  return () => rmSync(root, { recursive: true })
})

describe('lines of a worker', () => {
  const file = () => join(root, `${process.pid}-${threadId}.jsonl`)

  test('all stay out if one of them fails, and later ones are complete', () => {
    appendToSpool(root, [line('a')])
    function* failing() {
      yield line('b'.repeat(100_000))
      throw new Error('full')
    }
    expect(() => appendToSpool(root, failing())).toThrow('full')
    appendToSpool(root, [line('c')])
    const ids = readFileSync(file(), 'utf8')
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text).id)
    expect(ids).toEqual(['a', 'c'])
  })

  test('begin afresh after a part of a line', () => {
    writeFileSync(file(), '{"kind":"token","tok')
    appendToSpool(root, [line('a')])
    expect(readFileSync(file(), 'utf8').split('\n')).toEqual([
      '{"kind":"token","tok',
      '{"kind":"finished","id":"a","expectation":"met","durationMs":1}',
      '',
    ])
  })

  test.skipIf(process.platform !== 'linux')('on a full disk are an error', () => {
    symlinkSync('/dev/full', file())
    expect(() => appendToSpool(root, [line('a')])).toThrow('ENOSPC')
  })
})

test('lost rows are counted in names of empty files, for each worker', () => {
  const [first, second] = [new LostRows(), new LostRows()]
  first.add(root, 'aa', 12)
  first.add(root, 'aa', 3)
  second.add(root, 'bb', 5)
  expect(readdirSync(root).sort()).toEqual(['lost-aa-2-15', 'lost-bb-1-5'])
  expect(lostRowsIn(root)).toEqual({ comparisons: 3, rows: 20 })
})

test('a run whose folder was deleted is marked as incomplete, and its honest neighbour is not', () => {
  const run = openRun(root)
  expect(isMarkedIncomplete(run.dir)).toBe(false)
  rmSync(run.dir, { recursive: true })
  appendToSpool(run.dir, [line('a')])
  expect(isMarkedIncomplete(run.dir)).toBe(true)
})

test('reporters of one run share its folder, and the last one removes it', () => {
  const first = openRun(root)
  const before = process.env[RUN_DIR_VARIABLE]
  process.env[RUN_DIR_VARIABLE] = first.dir
  try {
    const second = openRun(root)
    expect(second.dir).toBe(first.dir)
    mkdirSync(join(root, 'other'))
    expect(openRun(join(root, 'other')).dir).not.toBe(first.dir)
    closeRun(first, false)
    expect(readdirSync(join(root, '.golden-logits'))).toHaveLength(2)
    closeRun(second, false)
    expect(readdirSync(root)).toEqual(['other'])
  } finally {
    if (before === undefined) delete process.env[RUN_DIR_VARIABLE]
    else process.env[RUN_DIR_VARIABLE] = before
  }
})
