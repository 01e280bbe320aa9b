import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { loadDump } from '../../src/dumps/load.js'
import { logits, rawOf } from '../build/logits.js'
import { writeTree } from '../build/tree.js'
import { npy } from '../formats/build/arrays.js'
import { zip } from '../formats/build/zip.js'

const [COUNT, WIDTH] = [5, 8]
const ROWS = Array.from({ length: COUNT }, (_, step) => logits(step, WIDTH))
/** The last row agrees; the one before does not. */
const WRONG = ROWS.map((row, i) => (i === 3 ? [...row].reverse() : row))
const array = (rows: readonly (readonly number[])[], shape = `(${rows.length}, ${WIDTH})`) =>
  npy(rawOf(rows.flat(), 'float32'), { shape })
const write = (name: string, content: Uint8Array) => join(writeTree({ [name]: content }), name)

describe('the only file of a dump, with a number at the end of its name', () => {
  test.each(['run0.npy', 'bf16.npy', 'logits_0.npy'])(
    '%s: several rows are asked for, never the last one alone',
    (name) => {
      const { pass, tokens } = compareDumps(write(name, array(WRONG)), write(name, array(ROWS)), { dtype: 'fp32' })
      expect(pass).toBe(false)
      expect(tokens[0]).toMatchObject({ step: 0, verdict: 'shape-mismatch' })
      expect(tokens[0]!.reason).toContain("positions: 'last' (or 'all', or a number)")
      expect(tokens[0]!.reason).toContain("if they are the tokens of one run, positions: 'steps'")
    },
  )

  test('each answer is taken, and the number is no step of a run', () => {
    const [golden, dump] = [write('fp32.npy', array(ROWS)), write('bf16.npy', array(WRONG))]
    const compare = (positions: 'steps' | 'last' | 'all') =>
      compareDumps(loadDump(dump, { positions }), loadDump(golden, { positions }), { dtype: 'fp32' })
    const { counts, firstFailure, tokens } = compare('steps')
    expect({ counts, firstFailure }).toMatchObject({ counts: { compared: 5, missing: 0 }, firstFailure: { step: 3 } })
    expect(tokens.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4])
    expect(compare('all').firstFailure).toMatchObject({ position: 3 })
    expect(compare('last')).toMatchObject({ pass: true, counts: { total: 1 } })
    expect([...loadDump(golden, { positions: 'steps', firstStep: 7 }).steps].map(({ step }) => step)).toEqual([
      7, 8, 9, 10, 11,
    ])
  })

  test('token ids in the file decide', () => {
    const ids = npy(rawOf([1, 2, 3, 4, 5], 'int64'), { descr: "'<i8'", shape: '(5,)' })
    const file = (rows: typeof ROWS) =>
      zip([
        { name: 'logits.npy', content: array(rows) },
        { name: 'generated_ids.npy', content: ids },
      ])
    const [golden, dump] = [write('gpu32.npz', file(ROWS)), write('npu16.npz', file(WRONG))]
    expect(compareDumps(dump, golden, { dtype: 'fp32' }).firstFailure).toMatchObject({ step: 3 })
    const same = write('npu16.npz', file(ROWS))
    expect(compareDumps(same, golden, { dtype: 'fp32', identical: 'allow' })).toMatchObject({
      pass: true,
      counts: { passed: 5 },
    })
  })

  test('one row is a step, whose number is in the name', () => {
    const path = write('logits_7.npy', array(ROWS.slice(0, 1)))
    expect(loadDump(path)).toMatchObject({ layout: 'flat' })
    expect(loadDump(path).steps.at(0)!.step).toBe(7)
  })

  test('a prompt in the first of several steps is still one', () => {
    const tree = (rows: typeof ROWS) => writeTree({ 'logits_0.npy': array(rows), 'logits_1.npy': array([rows[0]!]) })
    const { pass, counts } = compareDumps(tree(ROWS), tree(ROWS), { identical: 'allow', dtype: 'fp32' })
    expect({ pass, total: counts.total }).toEqual({ pass: true, total: 2 })
  })
})

describe('rows that are stacked, [steps, 1, vocabulary]', () => {
  const stack = (rows: typeof ROWS) => write('logits.npy', array(rows, `(${rows.length}, 1, ${WIDTH})`))

  test('are asked for, by the option for a batch and that for a run', () => {
    const [token] = compareDumps(stack(ROWS), stack(ROWS), { identical: 'allow' }).tokens
    expect(token!.reason).toContain('a batch of several sequences, shape [5, 1, 8]')
    expect(token!.reason).toMatch(/option sequence: 0; if they are the tokens of one run, set positions: 'steps'$/)
  })

  test("are the tokens of a run with positions: 'steps'", () => {
    const load = (rows: typeof ROWS) => loadDump(stack(rows), { positions: 'steps' })
    expect(compareDumps(load(WRONG), load(ROWS), { dtype: 'fp32' })).toMatchObject({
      counts: { compared: 5 },
      firstFailure: { step: 3 },
    })
    expect(compareDumps(load(ROWS), load(ROWS), { dtype: 'fp32', identical: 'allow' }).pass).toBe(true)
  })

  test('are never taken for steps if there are sequences and positions', () => {
    const path = write('logits.npy', array([...ROWS, ...ROWS], `(2, ${COUNT}, ${WIDTH})`))
    const dump = loadDump(path, { positions: 'steps' })
    const [token] = compareDumps(dump, dump, { identical: 'allow' }).tokens
    expect(token!.reason).toMatch(/shape \[2, 5, 8\].*option sequence: 0$/)
  })
})
