import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps, type ErrorCode, GoldenLogitsError, loadDump, readTensors } from '../../src/index.js'
import { writeTree } from '../build/tree.js'
import { tree } from '../fixtures/trees.js'
import { call, global, pickle, text, tuple } from '../formats/build/pickle.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { torchZip } from '../formats/build/zip.js'

const GOLDEN = 'golden/msit_dump_20250301_101500/torch_tensors/cuda0_66245/3/root.lm_head/output.pth'
const DUMP = 'my/msit_dump_20250301_113000/tensors/0_1445461/3/33_LmHead/after/outtensor0.bin'

/** A copy of the good tree, in which one file is spoilt. */
function spoilt(path: string, spoil: (file: string) => void): { root: string; file: string } {
  const root = writeTree({})
  cpSync(tree('a_clean_f32_vs_f16'), root, { recursive: true })
  const file = join(root, path)
  spoil(file)
  return { root, file }
}

describe('a file that cannot be read is one clear error, and fails its token and no other', () => {
  test.each<[string, string, (file: string) => void, ErrorCode, string]>([
    [
      'a truncated .pth',
      GOLDEN,
      (file) => truncateSync(file, readFileSync(file).length - 40),
      'bad-archive',
      'broken zip archive: it has no end record, so it was cut short',
    ],
    [
      'a pickle that wants os.system',
      GOLDEN,
      (file) => writeFileSync(file, torchZip(pickle(call(global('os', 'system'), tuple(text('touch owned')))))),
      'disallowed-global',
      'os.system',
    ],
    [
      'a .bin whose dims do not fit its bytes',
      DUMP,
      (file) => writeFileSync(file, readFileSync(file, 'latin1').replace('dims=1,640', 'dims=1,641'), 'latin1'),
      'bad-bin',
      'dims 1,641 of float16 take 1282 bytes, but 1280 follow the header',
    ],
    ['an empty file', DUMP, (file) => truncateSync(file, 0), 'unsupported-format', 'is empty'],
  ])('%s', (_, path, spoil, code, words) => {
    const { root, file } = spoilt(path, spoil)
    const error = expectRefusal(() => readTensors(file), code, words, file)
    expect(error.message.startsWith(`${file}: `)).toBe(true)

    const { tokens, counts, pass } = compareDumps(join(root, 'my'), join(root, 'golden'), { dtype: 'fp16' })
    expect(pass).toBe(false)
    expect(counts).toMatchObject({ total: 12, compared: 11, passed: 11, unreadable: 1 })
    expect(tokens[3]).toMatchObject({ step: 3, verdict: 'unreadable', pass: false, reason: error.message })
  })
})

describe('a path that names no dump is one clear error', () => {
  test.each<[string, (root: string) => string, ErrorCode, string]>([
    [
      'a folder with no dump',
      (root) => join(root, 'my/msit_dump_20250301_113000/model'),
      'nothing-to-compare',
      'no dump here',
    ],
    [
      'a pattern that matches nothing',
      (root) => join(root, 'my/ait_*'),
      'nothing-to-compare',
      'the pattern matches no',
    ],
    ['a path to nothing', (root) => join(root, 'mine'), 'file-not-found', 'there is no such file or folder'],
  ])('%s', (_, pathOf, code, words) => {
    const path = pathOf(tree('a_clean_f32_vs_f16'))
    expectRefusal(() => loadDump(path), code, words, path)
    expectRefusal(() => compareDumps(path, tree('a_clean_f32_vs_f16', 'golden')), code, words, path)
    expectRefusal(() => compareDumps(tree('a_clean_f32_vs_f16', 'my'), path), code, words, path)
  })
})

test('budgets are checked where they are given, not file by file', () => {
  const load = () => loadDump(tree('a_clean_f32_vs_f16', 'my'), { budgets: { binHeader: 'big' } as never })
  expect(load).toThrow(GoldenLogitsError)
  expect(load).toThrow('the budget binHeader must be a number from 0')
  const tight = loadDump(tree('a_clean_f32_vs_f16', 'my'), { budgets: { elements: 639 } })
  const { counts, firstFailure } = compareDumps(tight, tree('a_clean_f32_vs_f16', 'golden'))
  expect(counts).toMatchObject({ unreadable: 12, compared: 0 })
  expect(firstFailure!.reason).toContain('640 is over the budget elements of 639')
})
