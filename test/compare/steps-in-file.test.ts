import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { loadDump } from '../../src/dumps/load.js'
import { readTensors } from '../../src/formats/read-tensors.js'
import { logits, pth, rawOf } from '../build/logits.js'
import { writeTree } from '../build/tree.js'
import { FIXTURES } from '../conformance/format.js'
import { npy, safetensors } from '../formats/build/arrays.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { zip } from '../formats/build/zip.js'

const WIDTH = 8
const ROWS = Array.from({ length: 6 }, (_, step) => logits(step, WIDTH))
const array = (rows: readonly (readonly number[])[], shape = [rows.length, WIDTH]) =>
  npy(rawOf(rows.flat(), 'float32'), { shape: `(${shape.join(', ')},)` })

const offsets = (i: number) => [i * WIDTH * 4, (i + 1) * WIDTH * 4]

/** One run in one file, in every way. */
const RUNS: Readonly<Record<string, (rows: readonly (readonly number[])[]) => Uint8Array>> = {
  'run.npy': (rows) => array(rows),
  'run-batch.npy': (rows) => array(rows, [1, rows.length, WIDTH]),
  'run.npz': (rows) => zip([{ name: 'logits.npy', content: array(rows) }]),
  'rows.npz': (rows) => zip(rows.map((row, i) => ({ name: `arr_${i}.npy`, content: array([row]) })).reverse()),
  'rows.safetensors': (rows) => {
    const entries = rows.map(
      (_, i) => [`step_${i}`, { dtype: 'F32', shape: [WIDTH], data_offsets: offsets(i) }] as const,
    )
    return safetensors(Object.fromEntries(entries), rawOf(rows.flat(), 'float32'))
  },
  'run.pt': (rows) => pth({ values: rows.flat(), shape: [rows.length, WIDTH] }),
}

const golden = writeTree(Object.fromEntries(ROWS.map((row, step) => [`logits_${step}.npy`, array([row])])))

describe.each(Object.keys(RUNS))('a run in one file, %s', (name) => {
  const write = (rows: readonly (readonly number[])[]) => join(writeTree({ [name]: RUNS[name]!(rows) }), name)

  test('is compared step by step if the option says so', () => {
    const dump = loadDump(write(ROWS), { positions: 'steps' })
    expect([...dump.steps].map(({ step, position }) => [step, position])).toEqual(ROWS.map((_, i) => [i, i]))
    const comparison = compareDumps(dump, golden)
    expect(comparison).toMatchObject({ pass: true, counts: { total: 6, passed: 6 } })
    for (const { metrics, position } of comparison.tokens) {
      expect(metrics!.klDivergence).toBe(0)
      expect(position).toBeUndefined()
    }
  })

  test('has its wrong row at its step', () => {
    const wrong = ROWS.map((row, step) => (step === 4 ? [...row].reverse() : row))
    const { firstFailure, counts } = compareDumps(loadDump(write(wrong), { positions: 'steps' }), golden)
    expect(firstFailure).toMatchObject({ step: 4, verdict: 'over-threshold' })
    expect(counts).toMatchObject({ passed: 5, overThreshold: 1 })
  })

  test('that ends early misses its last steps', () => {
    const { counts } = compareDumps(loadDump(write(ROWS.slice(0, 4)), { positions: 'steps' }), golden)
    expect(counts).toMatchObject({ total: 6, passed: 4, missing: 2 })
  })

  test('is never compared by one row in silence', () => {
    const { pass, tokens } = compareDumps(loadDump(write(ROWS)), write(ROWS))
    expect(pass).toBe(false)
    expect(tokens[0]!.reason).toContain("positions: 'steps'")
  })

  test("has every row compared with positions: 'all', and with forced decoding", () => {
    const wrong = ROWS.map((row, step) => (step === 4 ? [...row].reverse() : row))
    for (const options of [{}, { decoding: 'forced' }] as const) {
      const load = (rows: typeof ROWS) => loadDump(write(rows), options.decoding ? {} : { positions: 'all' })
      if (options.decoding && /^rows/.test(name)) continue
      const { tokens, firstFailure } = compareDumps(load(wrong), load(ROWS), options)
      expect(tokens.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5])
      expect(firstFailure).toMatchObject({ step: 0, position: 4 })
    }
  })

  test('may begin at another step', () => {
    const dump = loadDump(write(ROWS), { positions: 'steps', firstStep: 3 })
    expect([...dump.steps].map(({ step }) => step)).toEqual([3, 4, 5, 6, 7, 8])
  })
})

test.each(['generate-tuple.pt', 'generate-list.pt', 'generate-tuple-legacy.pt'])(
  '%s of torch holds a step a tensor',
  (name) => {
    const file = join(FIXTURES, 'pt', name)
    const tensors = readTensors(file)
    const rows = tensors.map((tensor) => npy(new Uint8Array(tensor.toFloat32().buffer), { shape: '(16,)' }))
    const root = writeTree(Object.fromEntries(rows.map((row, step) => [`logits_${step}.npy`, row])))
    const comparison = compareDumps(loadDump(file, { positions: 'steps' }), root)
    expect(comparison).toMatchObject({ pass: true, counts: { total: 5, passed: 5 } })
  },
)

describe('what is no series of steps', () => {
  const one = { dtype: 'F32', shape: [4] }
  test.each<[string, readonly string[]]>([
    ['other names', ['scores', 'hidden']],
    ['two kinds of names', ['step_0', 'hidden_1']],
    ['a gap', ['step_0', 'step_2']],
    ['a number twice', ['step_1', 'step_01']],
  ])('%s', (_, names) => {
    const header = Object.fromEntries(names.map((name, i) => [name, { ...one, data_offsets: [i * 16, i * 16 + 16] }]))
    const root = writeTree({ 'x.safetensors': safetensors(header, new Uint8Array(32)) })
    const path = join(root, 'x.safetensors')
    const { tokens } = compareDumps(loadDump(path, { positions: 'steps' }), loadDump(path, { positions: 'steps' }))
    expect(tokens[0]).toMatchObject({
      verdict: 'shape-mismatch',
      reason: expect.stringContaining('2 tensors in the file'),
    })
    expect(tokens[0]!.reason).not.toContain("positions: 'steps'")
  })
})

test('a dump of several files is no run in one file', () => {
  const text = "the option positions: 'steps' is for a run in one file, and this dump has 6 files of a step each"
  expectRefusal(() => loadDump(golden, { positions: 'steps' }), 'invalid-argument', text, golden)
})

test('a damaged file is an unreadable token', () => {
  const path = join(writeTree({ 'run.npy': array(ROWS).subarray(1) }), 'run.npy')
  expect(compareDumps(loadDump(path, { positions: 'steps' }), golden).counts).toMatchObject({
    unreadable: 1,
    missing: 5,
  })
})

describe('token ids beside the logits', () => {
  const ids = (values: readonly number[]) =>
    npy(rawOf(values, 'int64'), { descr: "'<i8'", shape: `(1, ${values.length})` })
  const sample = (prompt: readonly number[], generated: readonly number[]) =>
    writeTree({
      'sample_00000/logits.npy': array(ROWS),
      'sample_00000/prompt_input_ids.npy': ids(prompt),
      'sample_00000/generated_token_ids.npy': ids(generated),
    })

  test('are kept on the dump', () => {
    const dump = loadDump(sample([1, 2, 151_935], [7]))
    expect(Object.fromEntries(dump.tokenIds!)).toEqual({ generated_token_ids: [7], prompt_input_ids: [1, 2, 151_935] })
  })

  test('of another prompt are an error that names the position', () => {
    const root = sample([1, 2, 9], [7])
    for (const [prompt, text] of [
      [[1, 3, 9], 'at position 1 of prompt_input_ids the golden'],
      [[1, 2], 'at position 2 of prompt_input_ids the golden'],
    ] as const) {
      const other = sample(prompt, [7])
      const compare = () => compareDumps(loadDump(root, { positions: 'all' }), loadDump(other, { positions: 'all' }))
      expectRefusal(compare, 'nothing-to-compare', text, root)
    }
  })

  test('of other generated text are an error if the text was forced', () => {
    const [root, other] = [sample([1, 2], [7, 8]), sample([1, 2], [7, 9])]
    const forced = () => compareDumps(root, other, { decoding: 'forced' })
    expectRefusal(forced, 'nothing-to-compare', 'at position 1 of generated_token_ids the golden', root)
    const same = compareDumps(root, sample([1, 2], [7, 8]), { decoding: 'forced' })
    expect(same).toMatchObject({ pass: true, counts: { total: 6 } })
  })
})
