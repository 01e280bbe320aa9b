import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { GoldenLogitsError } from '../../src/index.js'
import { jestResults, vitestResults } from '../../src/runner/results.js'
import {
  countSnapshot,
  onRetry,
  SnapshotCounter,
  type UpdateMode,
  updateMode,
} from '../../src/runner/snapshot-state.js'
import { SnapshotClaims } from '../../src/snapshots/claims.js'
import { type Action, decide, type SnapshotResult } from '../../src/snapshots/decide.js'
import { candidatePath, locateSnapshot, snapshotFolder, snapshotName } from '../../src/snapshots/names.js'
import { noteUsed, obsoleteSnapshots, usedSnapshots } from '../../src/snapshots/obsolete.js'
import { checkSnapshotOptions, type SnapshotOptions } from '../../src/snapshots/options.js'
import { errorOf } from '../build/error-of.js'

const root = mkdtempSync(join(tmpdir(), 'policy-'))
afterAll(() => rmSync(root, { recursive: true }))

function put(...parts: string[]): string {
  const path = join(root, ...parts)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, '')
  return path
}

describe('what is done with a snapshot', () => {
  const table: Record<SnapshotResult, Record<UpdateMode, Action>> = {
    missing: { none: 'fail-missing', new: 'write', all: 'write' },
    matched: { none: 'pass', new: 'pass', all: 'pass' },
    outdated: { none: 'pass', new: 'pass', all: 'rewrite' },
    unmatched: { none: 'fail-unmatched', new: 'fail', all: 'rewrite' },
    unusable: { none: 'throw', new: 'throw', all: 'rewrite' },
    'other-fidelity': { none: 'throw', new: 'throw', all: 'rewrite' },
  }
  test.each(Object.keys(table) as SnapshotResult[])('%s', (state) => {
    for (const mode of ['none', 'new', 'all'] as const) expect(decide(state, mode), mode).toBe(table[state][mode])
  })
})

describe('names', () => {
  test('are safe on any file system, for any test name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 999 }), (name, n) => {
        expect(snapshotName(name, n, '')).toMatch(/^[A-Za-z0-9-]{1,60}-\d+-[0-9a-f]{8}\.golden$/)
      }),
    )
  })

  test('are the same in Vitest and Jest, and differ where tests do', () => {
    expect(snapshotName('model > answers > all', 1, '')).toBe(snapshotName('model answers all', 1, ''))
    const names = ['a b', 'a-b', 'A b', 'a  b', '', ' ', 'con', 'ä', 'ö', `${'x'.repeat(90)}1`, `${'x'.repeat(90)}2`]
    // Different even on a case-insensitive file system.
    const files = names.map((name) => snapshotName(name, 1, '').toLowerCase())
    expect(new Set(files).size).toBe(names.length)
    expect(snapshotName('a', 1, 'npu')).toMatch(/^a-1-[0-9a-f]{8}\.npu\.golden$/)
    expect(snapshotName('a', undefined, '')).toMatch(/^a-[0-9a-f]{8}\.golden$/)
  })

  test('a candidate is outside of the snapshot folder', () => {
    const snapshot = join(root, 'tests', '__golden__', 'm.test.ts', 'a.golden')
    expect(candidatePath(snapshot, root)).toBe(
      join(root, '.golden-logits', 'candidates', 'tests', '__golden__', 'm.test.ts', 'a.golden'),
    )
    expect(candidatePath(snapshot, join(root, 'other'))).toBe(
      join(root, 'other', '.golden-logits', 'candidates', 'a.golden'),
    )
  })
})

test('the first variant that exists is used, the one without a variant last', () => {
  const file = join(root, 'variants.test.ts')
  const path = (variant: string) => join(snapshotFolder(file), snapshotName('a', 1, variant))
  const found = () => locateSnapshot(file, 'a', 1, ['npu-910b', 'npu'])
  expect(found()).toEqual({ existing: undefined, target: path('npu-910b') })
  for (const variant of ['', 'npu', 'npu-910b']) {
    writeFileSync(put('__golden__', 'variants.test.ts', snapshotName('a', 1, variant)), '')
    expect(found()).toEqual({ existing: path(variant), target: path('npu-910b') })
  }
  expect(locateSnapshot(file, 'a', 1, [])).toEqual({ existing: path(''), target: path('') })
})

describe('the snapshots of a test are numbered', () => {
  const test1 = { file: 'f', name: 'a', owner: {}, attempt: 1 }

  test('from 1 in each attempt', () => {
    const counter = new SnapshotCounter()
    const run = {}
    expect([counter.next(test1, run), counter.next(test1, run)]).toEqual([1, 2])
    expect(counter.next({ ...test1, attempt: 2 }, run)).toBe(1)
    expect(counter.next({ ...test1, name: 'b', owner: {} }, run)).toBe(1)
    expect(counter.next({ ...test1, attempt: 2 }, run)).toBe(2)
  })

  test('from 1 again if the file runs again, as in watch mode', () => {
    const counter = new SnapshotCounter()
    expect(counter.next(test1, {})).toBe(1)
    expect(counter.next({ ...test1, owner: {} }, {})).toBe(1)
  })

  test('consecutively if tests have the same name, and the same in a retry', () => {
    const counter = new SnapshotCounter()
    const run = {}
    const test2 = { ...test1, owner: {} }
    expect([test1, test1, test2, test2].map((one) => counter.next(one, run))).toEqual([1, 2, 3, 4])
    const retries = [test1, test2].map((one) => ({ ...one, attempt: 2 }))
    expect(retries.map((one) => counter.next(one, run))).toEqual([1, 3])
    expect(retries.map((one) => counter.next(one, run))).toEqual([2, 4])
    expect(counter.next(retries[0]!, run)).toBe(5)
  })

  test('consecutively if the runner provides no object of the test, unless tests are retried', () => {
    const nameless = { ...test1, owner: undefined }
    const counter = new SnapshotCounter()
    expect([1, 1, 2].map((attempt) => counter.next({ ...nameless, attempt }, undefined))).toEqual([1, 2, 3])
    vi.stubGlobal(Symbol.for('RETRY_TIMES') as unknown as string, 1)
    const retried = new SnapshotCounter()
    expect([1, 1, 2].map((attempt) => retried.next({ ...nameless, attempt }, undefined))).toEqual([1, 2, 1])
    vi.unstubAllGlobals()
  })
})

describe('what an attempt wrote is withdrawn', () => {
  test.each(['clearTest', 'clear'])('by %s, in reverse order, before the runner withdraws its own', (method) => {
    const calls: unknown[] = []
    const owner = {}
    const state = { [method]: (id: unknown) => calls.push(id) }
    const test = { id: 'a', owner }
    for (const n of [1, 2])
      onRetry(
        state,
        test,
        () => calls.push(n),
        () => true,
      )
    onRetry(
      state,
      test,
      () => calls.push('repeated'),
      () => false,
    )
    onRetry(
      state,
      { id: 'b' },
      () => calls.push('of another'),
      () => true,
    )
    const id = method === 'clear' ? owner : 'a'
    ;(state[method] as (id: unknown) => void)(id)
    expect(calls).toEqual([2, 1, id])
    ;(state[method] as (id: unknown) => void)(id)
    expect(calls).toEqual([2, 1, id, id])
  })
})

test.each([
  'null',
  '[]',
  '{"claimant":1,"test":"a","project":"","wrote":true}',
  '{"claimant":"a","test":"a","project":""}',
])('a claim %s, which no test writes, is an error', (line) => {
  const runDir = join(root, 'edited-claims')
  rmSync(runDir, { recursive: true, force: true })
  const claims = new SnapshotClaims()
  const good = { claimant: 'a', test: 'a', project: '', wrote: true }
  claims.add(runDir, '/x.golden', good)
  expect(claims.ofAnother(runDir, '/x.golden', 'b')).toEqual(good)
  const [name] = readdirSync(runDir)
  appendFileSync(join(runDir, name!), `${line}\n`)
  const error = errorOf(() => claims.ofAnother(runDir, '/x.golden', 'b'))
  expect(error).toMatchObject({ code: 'read-failed', file: join(runDir, name!) })
})

describe.each(['with', 'without'])('claims of a snapshot, %s a reporter', (reporter) => {
  test('name other tests; a test that wrote the snapshot takes precedence', () => {
    const runDir = reporter === 'with' ? join(root, 'claims') : undefined
    const claims = new SnapshotClaims()
    const claim = (claimant: string, wrote: boolean) => ({ claimant, test: claimant, project: '', wrote })
    expect(claims.ofAnother(runDir, '/x.golden', 'a')).toBeUndefined()
    for (const [claimant, wrote] of [
      ['a', true],
      ['b', false],
    ] as const) {
      claims.add(runDir, '/x.golden', claim(claimant, wrote))
    }
    expect(claims.ofAnother(runDir, '/x.golden', 'a')).toEqual(claim('b', false))
    expect(claims.ofAnother(runDir, '/x.golden', 'c')).toEqual(claim('a', true))
    expect(claims.ofAnother(runDir, '/y.golden', 'c')).toBeUndefined()
    // Another worker sees the claims of the run, if they are in files.
    expect(new SnapshotClaims().ofAnother(runDir, '/x.golden', 'c')).toEqual(runDir ? claim('a', true) : undefined)
  })
})

describe('obsolete snapshots', () => {
  const [model, gone, part] = ['model', 'gone', 'part'].map((name) => join(root, 'o', `${name}.test.ts`)) as [
    string,
    string,
    string,
  ]
  const snapshot = (file: string, name: string, variant = '') =>
    join(snapshotFolder(file), snapshotName(name, 1, variant))
  const runDir = join(root, 'run')

  test('are those that no test of a completed file used, and those whose test file is gone', () => {
    put('o', 'model.test.ts')
    put('o', 'part.test.ts')
    for (const [file, name] of [
      [model, 'used'],
      [model, 'unused'],
      [gone, 'left'],
      [part, 'unused'],
    ] as const) {
      put('o', '__golden__', file.split(/[\\/]/).at(-1)!, snapshotName(name, 1, ''))
    }
    put('o', '__golden__', 'model.test.ts', snapshotName('used', 1, 'gpu'))
    put('o', '__golden__', 'model.test.ts', 'README.md')
    noteUsed(runDir, model, snapshot(model, 'used', 'npu'))
    noteUsed(runDir, part, snapshot(part, 'used'))
    const touched = usedSnapshots(runDir)
    expect(obsoleteSnapshots(touched, [model])).toEqual([snapshot(gone, 'left'), snapshot(model, 'unused')])
    // A file that did not complete proves nothing.
    expect(obsoleteSnapshots(touched, [])).toEqual([snapshot(gone, 'left')])
    expect(obsoleteSnapshots(new Map(), [])).toEqual([])
  })

  test('an incomplete line of a killed worker is ignored', () => {
    mkdirSync(join(root, 'torn'), { recursive: true })
    writeFileSync(join(root, 'torn', 'snapshots-1-0.txt'), '["/a.test.ts","/x.golden"]\n["/a.te')
    expect(usedSnapshots(join(root, 'torn'))).toEqual(new Map([['/a.test.ts', new Set(['/x.golden'])]]))
  })

  test.each(['null', '5', '["/a.test.ts"]', '["/a.test.ts",5]', '["/a.test.ts","/x.golden",1]', '{"length":2}'])(
    'a line %s, which no test writes, is an error: a snapshot could be taken for unused',
    (line) => {
      const file = join(root, 'edited', 'snapshots-1-0.txt')
      mkdirSync(join(root, 'edited'), { recursive: true })
      writeFileSync(file, `["/a.test.ts","/x.golden"]\n${line}\n`)
      const error = errorOf(() => usedSnapshots(join(root, 'edited')))
      expect(error).toMatchObject({ code: 'read-failed', file })
      expect(error.message).toMatch(
        /snapshots-1-0\.txt: holds a line that golden-logits does not write, .*; run the tests/,
      )
    },
  )

  test('need a completed file, in Vitest', () => {
    const module = (
      file: string,
      states: string[],
      { state = 'passed', errors = [] as unknown[], mode = 'run' } = {},
    ) => ({
      moduleId: file,
      state: () => state,
      errors: () => errors,
      children: { allTests: () => states.map((s) => ({ result: () => ({ state: s }), options: { mode } })) },
    })
    expect(
      vitestResults(
        [
          module('whole', ['passed', 'passed']),
          module('todo', ['skipped'], { mode: 'todo' }),
          module('skipped', ['passed', 'skipped']),
          module('failed', ['passed', 'failed'], { state: 'failed' }),
          module('broken', [], { state: 'failed', errors: [new Error('import')] }),
          module('late', ['passed'], { errors: [new Error('after')] }),
          module('twice', ['passed']),
          module('twice', ['skipped']),
        ],
        false,
      ).completedFiles,
    ).toEqual(['whole', 'todo'])
  })

  test('need a completed file, in Jest', () => {
    const file = (testFilePath: string, statuses: string[], rest = {}) => {
      return { testFilePath, testResults: statuses.map((status) => ({ status })), ...rest }
    }
    const testResults = [
      file('whole', ['passed', 'todo']),
      file('pending', ['passed', 'pending']),
      file('failed', ['failed']),
      file('empty', []),
      file('broken', ['passed'], { testExecError: {} }),
      file('skipped', ['passed'], { skipped: true }),
    ]
    expect(jestResults({ testResults }).completedFiles).toEqual(['whole'])
    expect(jestResults({ testResults, wasInterrupted: true }).completedFiles).toEqual([])
    expect(jestResults(undefined).completedFiles).toEqual([])
  })
})

describe('the runner', () => {
  test.each(['none', 'new', 'all'] as const)('the update mode is %s', (mode) => {
    expect(updateMode({ _updateSnapshot: mode })).toBe(mode)
    expect(updateMode({ snapshotUpdateState: mode, _updateSnapshot: 'other' })).toBe(mode)
  })

  test('without a snapshot state, there is no snapshot', () => {
    for (const state of [undefined, {}, { _updateSnapshot: 'sometimes' }]) {
      expect(() => updateMode(state)).toThrow(GoldenLogitsError)
      expect(() => updateMode(state)).toThrow(/works only inside a test of Vitest or Jest/)
    }
  })

  test('counts a snapshot, each version in its own way', () => {
    const old = { added: 1 }
    countSnapshot(old, 'added', { id: 'a' })
    expect(old).toEqual({ added: 2 })
    const calls: unknown[] = []
    const owner = {}
    const jest = { added: 1, _incrementSnapshotCount: (...args: unknown[]) => calls.push(args) }
    countSnapshot(jest, 'added', { id: 'a', owner })
    expect([jest.added, calls]).toEqual([1, [['added', owner]]])
    const vitest = { added: { increment: (id: string) => calls.push(id) } }
    countSnapshot(vitest, 'added', { id: 'a' })
    expect(calls.at(-1)).toBe('a')
  })
})

describe('options', () => {
  test('have defaults, and are separate from the options of the comparison', () => {
    expect(checkSnapshotOptions({ dtype: 'bf16', variant: 'npu', provenance: { seed: 7, greedy: true } })).toEqual({
      compare: { dtype: 'bf16' },
      fidelity: undefined,
      k: 64,
      name: undefined,
      variants: ['npu'],
      provenance: { seed: '7', greedy: 'true' },
      updatePassing: false,
    })
  })

  test.each<[unknown, RegExp]>([
    [null, /the options must be an object/],
    [{ fidelity: 'half' }, /fidelity must be 'full' or 'compact', got 'half'/],
    [{ k: 0 }, /k must be a whole number from 1 to 65536, got 0/],
    [{ k: 1.5 }, /got 1\.5/],
    [{ name: '' }, /name must be a non-empty string/],
    [
      { variant: 'NPU' },
      /a variant must be up to 40 lower-case letters, digits, - or _, such as 'npu-910b', got 'NPU'/,
    ],
    [{ variant: ['a', '../b'] }, /got '\.\.\/b'/],
    [{ updatePassing: 1 }, /updatePassing must be true or false, got 1/],
    [{ provenance: 'me' }, /provenance must be an object/],
    [{ provenance: { model: {} } }, /provenance\.model must be a string, a number or a boolean/],
    [{ provenance: { model: 'x'.repeat(1001) } }, /provenance\.model is too long/],
  ])('%j is refused', (options, message) => {
    expect(() => checkSnapshotOptions(options as SnapshotOptions)).toThrow(GoldenLogitsError)
    expect(() => checkSnapshotOptions(options as SnapshotOptions)).toThrow(message)
  })
})
