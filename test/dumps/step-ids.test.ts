import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { loadDump } from '../../src/dumps/load.js'
import { logits, rawOf } from '../build/logits.js'
import { writeTree } from '../build/tree.js'
import { FIXTURES } from '../conformance/format.js'
import { npy } from '../formats/build/arrays.js'
import { expectRefusal } from '../formats/build/refusal.js'

// The files are written by torch and NumPy: scripts/fixtures/make_ids.py says what is in each.

const IDS = join(FIXTURES, 'ids')
const [PROMPT, CHOSEN] = [
  [3, 1, 4],
  [11, 12, 13, 14, 15],
]
const fixture = (name: string) => join(IDS, name)
const listsOf = (name: string, options = {}) => Object.fromEntries(loadDump(fixture(name), options).tokenIds ?? [])

describe('a Python list of ids in a file of torch', () => {
  test.each(['list.pt', 'list-legacy.pt', 'tuple.pt', 'tuple-legacy.pt', 'batch-of-one.pt', 'batch-of-one-legacy.pt'])(
    '%s: what the run chose',
    (name) => {
      expect(loadDump(fixture(name))).toMatchObject({ ids: { chosen: CHOSEN, meaning: 'steps' } })
      expect(listsOf(name)).toEqual({ generated_ids: CHOSEN })
    },
  )

  test.each(['nested.pt', 'nested-legacy.pt'])('%s: a prompt in a dict of the dict', (name) => {
    expect(listsOf(name)).toEqual({ 'inputs.input_ids': PROMPT, generated_ids: CHOSEN })
  })

  test('of a batch is the one that the option sequence chooses', () => {
    expect(listsOf('batch-of-two.pt')).toEqual({})
    expect(listsOf('batch-of-two.pt', { sequence: 1 })).toEqual({ generated_ids: CHOSEN })
    expect(listsOf('batch-of-two.pt', { sequence: 2 })).toEqual({})
  })

  test.each([
    ['no-ids.pt', 'a str'],
    ['scalars.pt', 'a NumPy scalar'],
    ['bools.pt', 'a bool'],
  ])('%s: what holds no ints is left out, and a note says so', (name, item) => {
    const { tokenIds, notes } = loadDump(fixture(name))
    expect(tokenIds).toBeUndefined()
    const text = `'generated_ids' is not read as token ids: it is a list with ${item}, expected whole numbers in a list, a tuple or a tensor`
    expect(notes).toEqual([{ text, weight: 'info' }])
  })

  test('must be the same on both sides for forced rows', () => {
    const rows = Array.from({ length: 5 }, (_, step) => logits(step, 16)).flat()
    const other = writeTree({
      'logits.npy': npy(rawOf(rows, 'float32'), { shape: '(5, 16)' }),
      'token_ids.npy': npy(rawOf([11, 12, 13, 9, 15], 'int64'), { descr: "'<i8'", shape: '(5,)' }),
    })
    const compare = () => compareDumps(other, fixture('forced.pt'), { dtype: 'fp32' })
    const text = `read different tokens: at position 3 of token_ids the golden (${fixture('forced.pt')}) has 14 and the dump 9`
    expectRefusal(compare, 'nothing-to-compare', text, other)
    const same = compareDumps(fixture('forced-legacy.pt'), fixture('forced.pt'), { dtype: 'fp32', identical: 'allow' })
    expect(same).toMatchObject({ pass: true, sameIds: 'fed', counts: { passed: 5 } })
  })
})

describe('ids in a file of each step', () => {
  test.each([
    ['chosen-npy', 'token'],
    ['chosen-pt', 'ids'],
    ['without-logits-name', 'ids'],
    ['folders', 'token_ids'],
    ['inside', 'token_id'],
  ])('%s: one a step is the id chosen after it', (folder, name) => {
    const dump = loadDump(fixture(folder))
    expect(dump.steps.length).toBe(5)
    expect(Object.fromEntries(dump.tokenIds!)).toEqual({ [name]: CHOSEN })
    expect(dump.ids).toEqual({ fed: new Map(), chosen: CHOSEN, meaning: 'steps' })
    expect([[...dump.ignored], dump.notes]).toEqual([[], []])
  })

  test.each([
    ['fed', 'input_ids'],
    ['grown', 'ids'],
  ])('%s: the ids of the first step are the prompt, and each next one was chosen before', (folder, name) => {
    const dump = loadDump(fixture(folder))
    expect(Object.fromEntries(dump.tokenIds!)).toEqual({ [name]: [...PROMPT, ...CHOSEN.slice(0, 4)] })
    expect(dump.ids).toEqual({ fed: new Map([[name, PROMPT]]), chosen: CHOSEN.slice(0, 4), meaning: 'steps' })
  })

  const id = (value: number | readonly number[]) => {
    const values = [value].flat()
    return npy(rawOf(values, 'int64'), { descr: "'<i8'", shape: `(${values.length},)` })
  }
  const write = (ids: Readonly<Record<string, number | readonly number[]>>, count = 4) => {
    const rows = Array.from({ length: count }, (_, step) => [`logits_${step}.npy`, row(step)])
    return writeTree({
      ...Object.fromEntries(rows),
      ...Object.fromEntries(Object.entries(ids).map(([name, value]) => [`${name}.npy`, id(value)])),
    })
  }
  const row = (step: number) => npy(rawOf(logits(step, 8), 'float32'), { shape: '(1, 8)' })

  test('that two runs chose decide up to which token both read the same text', () => {
    const golden = write({ ids_0: 5, ids_1: 6, ids_2: 7, ids_3: 8 })
    const dump = write({ token_0: 5, token_1: 60, token_2: 7 })
    expect(compareDumps(dump, golden, { dtype: 'fp32', identical: 'allow' }).counts).toMatchObject({
      passed: 2,
      notComparable: 2,
    })
    const same = write({ token_0: 5, token_1: 6, token_2: 7 })
    expect(compareDumps(same, golden, { dtype: 'fp32', identical: 'allow' }).counts).toMatchObject({ passed: 4 })
  })

  test('that were forced must be the same, and so must prompts', () => {
    const golden = write({ ids_0: 5, ids_1: 6, ids_2: 7, ids_3: 8 })
    const dump = write({ ids_0: 5, ids_1: 6, ids_2: 70, ids_3: 8 })
    const compare = () => compareDumps(dump, golden, { dtype: 'fp32', decoding: 'forced' })
    expectRefusal(compare, 'nothing-to-compare', 'at position 2 of ids the golden', dump)
    const [a, b] = [
      [1, 2, 3],
      [1, 9, 3],
    ].map((prompt) => write({ input_ids_0: prompt }))
    expectRefusal(() => compareDumps(b!, a!), 'nothing-to-compare', 'at position 1 of input_ids the golden', b)
    expect(compareDumps(write({ input_ids_0: [1, 2, 3] }), a!, { identical: 'allow', dtype: 'fp32' }).pass).toBe(true)
  })

  test.each<[string, Readonly<Record<string, number | readonly number[]>>, string]>([
    ['token 2 has none', { ids_0: 1, ids_1: 2, ids_3: 4 }, 'ids'],
    [
      'token 1 has 2, expected 1',
      { output_token_ids_0: 1, output_token_ids_1: [2, 3], output_token_ids_2: 3, output_token_ids_3: 4 },
      'output_token_ids',
    ],
    [
      'token 2 has 2, expected 1, or one more than the token before',
      { input_ids_0: 1, input_ids_1: 2, input_ids_2: [3, 3], input_ids_3: 4 },
      'input_ids',
    ],
    ['token 0 has none that can be read', { ids_0: [], ids_1: 1 }, 'ids'],
  ])('are not compared, and a note says so: %s', (text, ids, name) => {
    const { tokenIds, notes } = loadDump(write(ids))
    expect(tokenIds).toBeUndefined()
    expect(notes).toEqual([{ text: `the token ids of the steps (${name}) are not compared: ${text}`, weight: 'info' }])
  })

  test('of NumPy with a gap are not compared, and stay ignored', () => {
    const { tokenIds, notes, ignored } = loadDump(fixture('gap'))
    expect(ignored.length).toBe(4)
    expect(tokenIds).toBeUndefined()
    expect(notes[0]!.text).toContain('token 2 has none')
  })

  test('files of other names beside the steps are still asked for', () => {
    const tree = { 'step_0.npy': row(0), 'step_1.npy': row(1), 'token_0.npy': row(2), 'token_1.npy': row(3) }
    const path = writeTree(tree)
    expectRefusal(() => loadDump(path), 'ambiguous-run', 'holds the logits of 2 cases: step, token', path)
  })
})

test.each(['list-of-dicts.pt', 'list-of-dicts-legacy.pt'])(
  "%s: each dict is a step with positions: 'steps'",
  (name) => {
    const [token] = compareDumps(fixture(name), fixture(name), { identical: 'allow' }).tokens
    expect(token!.reason).toContain("; if each is a step of one run, set loadDump's option positions: 'steps'")
    const load = (name: string) => loadDump(fixture(name), { positions: 'steps' })
    const { pass, counts } = compareDumps(load(name), load('forced.pt'), { dtype: 'fp32', identical: 'allow' })
    expect({ pass, counts }).toMatchObject({ pass: true, counts: { passed: 5, missing: 0, extra: 0 } })
  },
)
