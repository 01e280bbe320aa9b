import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { loadDump } from '../../src/dumps/load.js'
import { failureText } from '../../src/report/message/failure.js'
import { logits, rawOf } from '../build/logits.js'
import { writeTree } from '../build/tree.js'
import { FIXTURES } from '../conformance/format.js'
import { npy } from '../formats/build/arrays.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { zip } from '../formats/build/zip.js'

const WIDTH = 8
const COUNT = 6
const ROWS = Array.from({ length: COUNT }, (_, step) => logits(step, WIDTH))
const array = (rows: readonly (readonly number[])[]) =>
  npy(rawOf(rows.flat(), 'float32'), { shape: `(${rows.length}, ${WIDTH})` })
const int64 = (values: readonly number[], shape = `(1, ${values.length})`) =>
  npy(rawOf(values, 'int64'), { descr: "'<i8'", shape })

type Ids = Readonly<Record<string, readonly number[]>>

/** Logits and token ids in one file. */
function together(ids: Ids, rows = ROWS): string {
  const members = Object.entries(ids).map(([name, values]) => ({ name: `${name}.npy`, content: int64(values) }))
  return join(writeTree({ 'run.npz': zip([{ name: 'logits.npy', content: array(rows) }, ...members]) }), 'run.npz')
}

/** Logits in a file, and token ids in files beside it. */
function beside(ids: Ids, rows = ROWS): string {
  const files = Object.entries(ids).map(([name, values]) => [`${name}.npy`, int64(values)])
  return writeTree({ ...Object.fromEntries(files), 'logits.npy': array(rows) })
}

const count = (length: number, from = 1) => Array.from({ length }, (_, i) => from + i)
const [PROMPT, CHOSEN] = [[90, 91, 92], count(COUNT)]

describe.each([
  ['in the file of logits', together],
  ['in files beside it', beside],
] as const)('token ids %s', (_, write) => {
  test.each<[string, Ids]>([
    ['one chosen after each row', { generated_token_ids: CHOSEN }],
    ['a prompt, and one chosen after each row', { input_ids: PROMPT, generated_ids: CHOSEN }],
    ['a prompt and a sequence that begins with it', { input_ids: PROMPT, output_ids: [...PROMPT, ...CHOSEN] }],
    ['what generate returns', { sequences: [...PROMPT, ...CHOSEN] }],
    ['a prompt of one id', { input_ids: [1], sequences: [1, ...CHOSEN] }],
  ])('%s: each row is a token of a run', (_, ids) => {
    const dump = loadDump(write(ids))
    expect([...dump.steps].map(({ step, position }) => [step, position])).toEqual(ROWS.map((_, i) => [i, i]))
    expect(Object.fromEntries(dump.tokenIds!)).toEqual(ids)
    expect([...dump.ignored]).toEqual([])
    expect(dump.notes).toEqual([
      {
        text: expect.stringContaining('the rows of the file are the tokens of a run, as the token ids show ('),
        weight: 'info',
      },
    ])
    expect(compareDumps(dump, write(ids))).toMatchObject({ pass: true, counts: { total: COUNT, passed: COUNT } })
  })

  test.each<[string, Ids]>([
    ['one fed for each row', { input_ids: CHOSEN }],
    ['and the label after the last row', { prompt_token_ids: count(COUNT + 1) }],
    ['a text as long as the rows', { tokens: CHOSEN }],
    ['a prompt and what was chosen after it, fed at once', { input_ids: [1, 2], generated_ids: [3, 4, 5, 6] }],
    ['the same without the last one', { prompt_ids: [1, 2], completion_ids: [3, 4, 5, 6, 7] }],
  ])('%s: the rows are positions, and each is compared', (_, ids) => {
    const wrong = ROWS.map((row, i) => (i === 4 ? [...row].reverse() : row))
    const { tokens, firstFailure, sameIds } = compareDumps(write(ids, wrong), write(ids))
    expect(tokens.map(({ step, position }) => [step, position])).toEqual(ROWS.map((_, i) => [0, i]))
    expect(firstFailure).toMatchObject({ step: 0, position: 4, verdict: 'over-threshold' })
    expect(sameIds).toBe('fed')
  })

  test.each<[string, Ids]>([
    ['of another length', { input_ids: PROMPT }],
    ['a prompt and a run of the same length', { input_ids: count(COUNT), generated_ids: CHOSEN }],
    ['one more chosen than rows', { generated_ids: count(COUNT + 1) }],
  ])('%s: what the rows are is asked for, and both answers compare each', (_, ids) => {
    const path = write(ids)
    const { pass, tokens } = compareDumps(path, write(ids))
    expect(pass).toBe(false)
    expect(tokens[0]!.reason).toContain('the token ids with them do not decide it: ')
    expect(tokens[0]!.reason).toContain("positions: 'steps'")
    for (const positions of ['steps', 'all'] as const) {
      const load = () => loadDump(write(ids), { positions })
      expect(compareDumps(load(), load())).toMatchObject({ pass: true, counts: { passed: COUNT } })
    }
  })

  test('of another prompt are an error that names the position, also of the prompt in a sequence', () => {
    const other = [...PROMPT.slice(0, 2), 7]
    for (const [golden, dump, text] of [
      [{ input_ids: PROMPT, generated_ids: CHOSEN }, { input_ids: other, generated_ids: CHOSEN }, '2 of input_ids'],
      [{ sequences: [...PROMPT, ...CHOSEN] }, { sequences: [...other, ...CHOSEN] }, '2 of sequences'],
      [{ sequences: [...PROMPT, ...CHOSEN] }, { sequences: [...PROMPT, 5, ...CHOSEN] }, '3 of sequences'],
      [{ input_ids: CHOSEN }, { prompt_token_ids: [1, 9, ...CHOSEN.slice(2)] }, '1 of input_ids'],
    ] as const) {
      const path = write(dump)
      const compare = () => compareDumps(path, write(golden))
      expectRefusal(compare, 'nothing-to-compare', `read different tokens: at position ${text} the golden (`, path)
    }
  })

  test('of another text are an error that says how to read it as a run', () => {
    const paths = [CHOSEN, [1, 2, 9, 4, 5, 6]].map((tokens) => write({ tokens }))
    const text =
      "dump both with the same text, or, if each run chose these tokens itself, load both with the option positions: 'steps'"
    expectRefusal(() => compareDumps(paths[1]!, paths[0]!), 'nothing-to-compare', text, paths[1])
    const [golden, dump] = paths.map((path) => loadDump(path, { positions: 'steps' }))
    expect(compareDumps(dump!, golden!)).toMatchObject({ pass: false, inconclusive: expect.stringContaining('3 of 6') })
  })

  test('that the two runs chose decide up to which token both read the same text', () => {
    const [golden, dump] = [CHOSEN, [1, 2, 3, 4, 60, 7]].map((ids) => ({ input_ids: PROMPT, generated_ids: ids }))
    const wrong = ROWS.map((row, i) => (i === 5 ? [...row].reverse() : row))
    const { pass, tokens, notes, warnings, counts } = compareDumps(write(dump!, wrong), write(golden!), {
      dtype: 'fp32',
    })
    expect({ pass, counts, warnings }).toMatchObject({
      pass: true,
      counts: { passed: 5, notComparable: 1 },
      warnings: [],
    })
    expect(tokens[5]!.verdict).toBe('not-comparable')
    expect(notes[0]).toContain('the two runs chose different vocab ids at token 4: 1 later token is not comparable')
    // A wrong row before that is a fault.
    const early = ROWS.map((row, i) => (i === 4 ? [...row].reverse() : row))
    const comparison = compareDumps(write(dump!, early), write(golden!), { dtype: 'fp32' })
    expect(comparison.firstFailure).toMatchObject({ step: 4, verdict: 'over-threshold' })
  })

  test('that are equal mean that each token is judged, and the message says so', () => {
    const ids = { input_ids: PROMPT, generated_ids: CHOSEN }
    const wrong = ROWS.map((row, i) => (i === 3 ? [...row].reverse() : row))
    const dump = loadDump(write(ids, wrong))
    const golden = loadDump(write(ids))
    const comparison = compareDumps(dump, golden, { dtype: 'fp32', decoding: 'sampled' })
    expect(comparison).toMatchObject({ sameIds: 'chosen', counts: { compared: COUNT, notComparable: 0 } })
    expect(failureText(comparison)).toContain(
      'By their token ids both runs chose the same tokens before token 3, so both saw the same prefix: the fault is in the model.',
    )
  })

  test('of a run that ended early leave its other tokens missing', () => {
    const dump = write({ sequences: [...PROMPT, ...CHOSEN.slice(0, 4)] }, ROWS.slice(0, 4))
    const { counts } = compareDumps(dump, write({ sequences: [...PROMPT, ...CHOSEN] }))
    expect(counts).toMatchObject({ passed: 4, missing: 2, notComparable: 0 })
  })

  test('that nothing assigns to rows are asked for if they differ, by options that settle it', () => {
    const [golden, dump] = [count(COUNT + 1), [1, 2, 3, 4, 5, 60, 7]].map((ids) =>
      loadDump(write({ generated_ids: ids }), { positions: 'steps' }),
    )
    const text =
      'different token ids from position 5 of generated_ids on, and 7 ids do not show after which of 6 rows each was chosen: give the ids by step in the option tokenIds, or set the option decoding'
    expectRefusal(() => compareDumps(dump!, golden!), 'nothing-to-compare', text, dump!.path)
    expect(compareDumps(dump!, golden!, { decoding: 'greedy' }).pass).toBe(true)
    expect(compareDumps(dump!, golden!, { tokenIds: { golden: CHOSEN, dump: CHOSEN } }).pass).toBe(true)
    expectRefusal(
      () => compareDumps(dump!, golden!, { decoding: 'forced' }),
      'nothing-to-compare',
      'at position 5',
      dump!.path,
    )
  })

  test('of one side decide how the other is read', () => {
    const bare = write({})
    expect(compareDumps(bare, write({ generated_ids: CHOSEN })).counts.passed).toBe(COUNT)
    expect(compareDumps(write({ input_ids: CHOSEN }), bare).tokens.map(({ position }) => position)).toEqual(
      ROWS.map((_, i) => i),
    )
    const dump = write({ input_ids: CHOSEN })
    const compare = () => compareDumps(dump, write({ generated_ids: CHOSEN }))
    const text =
      "of the golden each row is a token of a run, and of the dump the rows are positions of one text: load both with the option positions: 'steps', or both with 'all'"
    expectRefusal(compare, 'invalid-argument', text, dump)
  })
})

test('the option decoding says that the rows of two bare files are tokens, with a warning', () => {
  const [golden, dump] = [beside({}), beside({})]
  const { pass, warnings, tokens } = compareDumps(dump, golden, {
    decoding: 'greedy',
    dtype: 'fp32',
    identical: 'allow',
  })
  expect({ pass, steps: tokens.map(({ step }) => step) }).toEqual({ pass: true, steps: [0, 1, 2, 3, 4, 5] })
  expect(warnings).toEqual(
    ['golden', 'dump'].map(
      (side) =>
        `${side}: 6 rows in the file are taken for the tokens of a run, as the option decoding is set; if that is right, load it with the option positions: 'steps'`,
    ),
  )
  expect(compareDumps(dump, golden, { decoding: 'forced' }).tokens.map(({ position }) => position)).toEqual([
    0, 1, 2, 3, 4, 5,
  ])
})

test.each(['generate-dict.pt', 'generate-dict-legacy.pt'])('%s of torch is a run by its sequences', (name) => {
  const dump = loadDump(join(FIXTURES, 'pt', name))
  expect(dump.steps.length).toBe(5)
  expect(dump.ids!.chosen).toEqual([...dump.tokenIds!.get('sequences')!].slice(3))
  const { tokens } = compareDumps(dump, join(FIXTURES, 'pt', name), { identical: 'allow' })
  // The script chose the top-1 of each row of logits, not of scores.
  expect(tokens.map(({ golden }) => golden!.top1)).toEqual(dump.ids!.chosen)
})

test('ids beside files of a step each decide the prefix too', () => {
  const write = (ids: readonly number[]) => {
    const steps = ROWS.map((row, step) => [`logits_${step}.npy`, array([row])])
    return writeTree({ ...Object.fromEntries(steps), 'generated_ids.npy': int64(ids) })
  }
  const { counts } = compareDumps(write([1, 2, 3, 4, 50, 6]), write(CHOSEN))
  expect(counts).toMatchObject({ passed: 5, notComparable: 1 })
})

test('of the ids of a batch, the option chooses the sequence', () => {
  const two = npy(rawOf([...ROWS, ...ROWS].flat(), 'float32'), { shape: `(2, ${COUNT}, ${WIDTH})` })
  const content = int64([...CHOSEN, ...count(COUNT, 50)], `(2, ${COUNT})`)
  const file = zip([
    { name: 'logits.npy', content: two },
    { name: 'generated_ids.npy', content },
  ])
  const path = join(writeTree({ 'run.npz': file }), 'run.npz')
  expect(loadDump(path).tokenIds).toBeUndefined()
  expect(loadDump(path, { sequence: 1 }).ids).toMatchObject({ chosen: count(COUNT, 50), meaning: 'steps' })
})

test.each<[string, Uint8Array]>([
  ['that are numbers with fractions', npy(rawOf([0.5, 1], 'float32'))],
  ['of an unknown name', int64([1])],
  ['that cannot be read', new Uint8Array(9)],
])('ids %s are left out', (what, content) => {
  const name = /name/.test(what) ? 'labels.npy' : 'tokens.npy'
  expect(loadDump(writeTree({ 'logits.npy': array(ROWS), [name]: content })).tokenIds).toBeUndefined()
})

test('ids that were saved as floats are ids', () => {
  const root = writeTree({ 'logits.npy': array(ROWS), 'generated_token_ids.npy': npy(rawOf(CHOSEN, 'float32')) })
  expect(loadDump(root)).toMatchObject({ ids: { chosen: CHOSEN, meaning: 'steps' } })
})

test('a dump that went through JSON has lost its ids, which is said', () => {
  const dump = { ...loadDump(beside({ generated_ids: CHOSEN })), tokenIds: {} as never }
  const text = 'got a dump whose token ids are no Map of lists'
  expectRefusal(() => compareDumps(dump, dump), 'invalid-argument', text, dump.path)
})
