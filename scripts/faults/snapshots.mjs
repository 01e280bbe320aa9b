// Snapshots that a run could write wrongly, or over something that it must not touch.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { filesIn } from './disks.mjs'

const POINTER = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'
const FOLDER = '__golden__'
const snapshotsOf = (suite) => filesIn(suite.path(FOLDER)).filter((name) => name.endsWith('.golden'))
const NO_ROWS = { due: 0, kept: 0, isRed: true }

/** Two tests of one run claim one snapshot with different logits. */
const SHARED = {
  name: 'snapshot: two tests claim one, with -u',
  async run(suite) {
    suite.test(`
      test('engine A', () => snapshot('npu', { name: 'shared' }))
      test('engine B', () => snapshot('npu-degraded', { name: 'shared' }))
      test('a > b', () => snapshot('npu'))
      describe('a', () => { test('b', () => snapshot('npu-degraded')) })`)
    const { code, text } = await suite.run(['-u'])
    match(text, /The snapshot was written by test 'engine A' in this run, and this dump does not match it: token 3: KL/)
    match(
      text,
      /the snapshot was written by test 'a > b' in this run, and test 'a b' gives the same file name: rename one/,
    )
    match(text, /2 failed/)
    equal(snapshotsOf(suite).length, 2)
    // After a green update, the next run is green.
    suite.test(`
      test('engine A', () => snapshot('npu-degraded', { name: 'shared' }))
      test('engine B', () => snapshot('npu-degraded', { name: 'shared' }))`)
    equal((await suite.run(['-u'])).code, 0)
    equal((await suite.run([], { ci: true })).code, 0)
    return { ...NO_ROWS, code, text }
  },
}

/** What a failed attempt wrote is withdrawn, as the runners do with their own snapshots. */
const FAILED_ATTEMPT = {
  name: 'snapshot: written by a failed attempt',
  async run(suite) {
    const body = `n++; snapshot(n === 1 ? 'npu-degraded' : 'npu'); expect(n).toMatchSnapshot(); if (n === 1) throw new Error('flaky')`
    suite.test(`let n = 0\n${suite.retried('golden', body)}`)
    const { code, text } = await suite.run()
    match(text, /golden-logits: snapshot withdrawn: .* \(test 'golden' failed after writing it, and is retried\)/)
    const [own] = filesIn(suite.path('__snapshots__'))
    match(suite.read(`__snapshots__/${own}`), /`2`/, 'the runner keeps the second attempt')
    // Only the snapshot of the second attempt matches the good build.
    suite.test(`test('golden', () => { snapshot('npu'); expect(2).toMatchSnapshot() })`)
    equal((await suite.run([], { ci: true })).code, 0)
    return { ...NO_ROWS, code, text, isRed: false }
  },
}

const LFS = {
  name: 'snapshot: a Git LFS pointer',
  async run(suite) {
    suite.test(`test('golden', () => snapshot('npu'))`)
    equal((await suite.run()).code, 0)
    const [file] = snapshotsOf(suite)
    let ended
    for (const path of [`${FOLDER}/${file}.npz`, `${FOLDER}/${file}`]) {
      suite.write(path, POINTER)
      for (const args of [[], ['-u']]) {
        ended = await suite.run(args)
        equal(ended.code, 1)
        match(ended.text, /is a Git LFS pointer, not the snapshot itself: run git lfs pull/)
        ok(!/torch\.save|option -u|with -u/.test(ended.text), ended.text)
        equal(suite.read(path), POINTER)
      }
    }
    const rows = suite.rows()
    return { due: 1, kept: rows.length, code: ended.code, text: ended.text, isRed: true }
  },
}

const NAN = {
  name: 'snapshot: NaN is called NaN',
  async run(suite) {
    suite.test(`
      const { logitsOf } = ${suite.isJest ? "require('golden-logits')" : "await import('golden-logits')"}
      const row = (fill, from) => [{ data: new Float32Array(640).fill(fill).fill(NaN, from), dims: [1, 640], dtype: 'float32' }]
      test('nan', () => { expect(logitsOf(row(NaN, 0))).toMatchLogitsSnapshot() })
      test('mixed', () => { expect(logitsOf(row(-Infinity, 630))).toMatchLogitsSnapshot() })`)
    const { code, text } = await suite.run()
    match(text, /token 0 of the dump cannot be stored: it holds 640 NaN, first at vocab id 0/)
    match(text, /token 0 of the dump cannot be stored: it holds 10 NaN, first at vocab id 630/)
    ok(!text.includes('every logit is -Inf'))
    deepEqual(snapshotsOf(suite), [])
    return { due: 2, kept: suite.rows().length, code, text, isRed: true }
  },
}

/** Files and folders of somebody else stay, also with -u. */
const FOREIGN = {
  name: 'snapshot: a file that is not ours in its place',
  async run(suite) {
    suite.test(`test('golden', () => snapshot('npu'))`)
    equal((await suite.run()).code, 0)
    const file = `${FOLDER}/${snapshotsOf(suite)[0]}`
    const candidate = `.golden-logits/candidates/${file}`
    let ended
    for (const [path, ci] of [
      [file, false],
      [`${file}.npz`, false],
      [candidate, true],
      [`${candidate}.npz`, true],
    ]) {
      for (const fidelity of ['full', 'compact']) {
        rmSync(suite.path(FOLDER), { recursive: true, force: true })
        rmSync(suite.path('.golden-logits'), { recursive: true, force: true })
        mkdirSync(dirname(suite.path(path)), { recursive: true })
        writeFileSync(suite.path(path), 'mine')
        suite.test(`test('golden', () => snapshot('npu', { fidelity: '${fidelity}' }))`)
        for (const args of ci ? [[]] : [[], ['-u']]) {
          ended = await suite.run(args, { ci })
          const name = `${path}, ${fidelity}, ${args}\n${ended.text}`
          equal(ended.code, 1, name)
          const refusal =
            'this file is not part of a snapshot of golden-logits, so it is not overwritten; move or delete it'
          const unread =
            'its first line is not that of a snapshot; restore the snapshot from version control, or delete the file'
          ok(ended.text.includes(path === file && args.length === 0 ? unread : refusal), name)
          equal(suite.read(path), 'mine', name)
          const left = filesIn(suite.path(dirname(path)))
          deepEqual(left, [path.slice(dirname(path).length + 1)], name)
        }
      }
    }
    return { due: 1, kept: suite.rows().length, code: ended.code, text: ended.text, isRed: true }
  },
}

export const SNAPSHOTS = [SHARED, FAILED_ATTEMPT, LFS, NAN, FOREIGN]
