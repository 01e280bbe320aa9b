import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CompareOptions, compareDumps, type LoadDumpOptions, loadDump } from '../../src/index.js'
import { atb, logits, pth, type Tensor } from '../build/logits.js'
import { type Step, torchDump } from '../build/pair.js'
import { writeTree } from '../build/tree.js'
import { dict, global, int, pickle, storage, tensor, text, tuple } from '../formats/build/pickle.js'
import { torchRecords, torchZip, zip } from '../formats/build/zip.js'

// Which numbers are the logits is decided by a rule, or asked for by an option: never guessed in silence.

const row = (seed: number, more: Partial<Tensor> = {}): Tensor => ({ values: logits(seed), ...more })
const rows = (seeds: readonly number[], shape: readonly number[]): Tensor => ({
  values: seeds.flatMap((seed) => logits(seed)),
  shape,
})

/** The verdict and reason of every token; the dump is loaded with these options. */
function verdicts(
  golden: Step[],
  dump: Step[],
  load: LoadDumpOptions = {},
  options: CompareOptions = { dtype: 'bf16' },
) {
  const comparison = compareDumps(loadDump(torchDump(dump), load), torchDump(golden), options)
  return comparison.tokens.map(({ verdict, reason }) => [verdict, reason] as const)
}

describe('several rows in a tensor', () => {
  const single = [0, 1, 2, 3].map((seed) => row(seed))

  test('a prompt at step 0 ends with the row of its token', () => {
    const dump = [rows([7, 8, 0], [1, 3, 8]), ...single.slice(1)]
    expect(verdicts(single, dump).map(([verdict]) => verdict)).toEqual(['pass', 'pass', 'pass', 'pass'])
  })

  test('the first step is the prompt under any number that firstStep gives it', () => {
    const dump = torchDump([rows([7, 8, 0], [1, 3, 8]), ...single.slice(1)])
    const load = (path: string) => loadDump(path, { firstStep: 5 })
    const { pass, tokens } = compareDumps(load(dump), load(torchDump(single)), { dtype: 'bf16' })
    expect([pass, tokens.map(({ step }) => step)]).toEqual([true, [5, 6, 7, 8]])
    const batch = torchDump(single.map((_, seed) => rows([9, seed], [2, 8])))
    const batches = compareDumps(load(batch), load(torchDump(single)), { dtype: 'bf16' })
    expect(batches.tokens.map(({ verdict }) => verdict)).toEqual(Array(4).fill('shape-mismatch'))
  })

  test('the first step of a dump that begins later may be no prompt: firstStep says that it is', () => {
    const dump = torchDump([null, null, rows([9, 2], [2, 8]), single[3]!])
    const golden = torchDump([null, null, ...single.slice(2)])
    expect(compareDumps(dump, golden).firstFailure).toMatchObject({
      verdict: 'shape-mismatch',
      reason: expect.stringMatching(
        /^the dump holds 2 rows at token 2, .*; if it is a prompt, load the dump with firstStep: 2$/,
      ),
    })
    expect(compareDumps(loadDump(dump, { firstStep: 2 }), golden).pass).toBe(true)
    // Not the first step of the dump: only that may be a prompt.
    const later = torchDump([single[0]!, single[1]!, rows([9, 2], [2, 8])])
    const { firstFailure } = compareDumps(later, torchDump(single.slice(0, 3)), { steps: { from: 2 } })
    expect(firstFailure?.reason).toMatch(/or positions: 'last' \(or 'all', or a number\)$/)
  })

  test("a decoder's head alone has no prompt, even if firstStep confirms its steps", () => {
    const heads = { 'layer/2/LmHead_33.json': '{}', 'layer/2/LmHead_67.json': '{}' }
    const decoder = (tensors: readonly Tensor[]) => {
      const entries = tensors.map((one, tid) => [`tensors/0_2/${tid}/67_LmHead/after/outtensor0.bin`, atb(one)])
      return loadDump(writeTree({ ...Object.fromEntries(entries), ...heads }), { firstStep: 1 })
    }
    const golden = loadDump(torchDump(single.slice(1)), { firstStep: 1 })
    expect(compareDumps(decoder(single.slice(1)), golden, { dtype: 'bf16' }).pass).toBe(true)
    const { firstFailure } = compareDumps(decoder([rows([9, 1], [2, 8]), ...single.slice(2)]), golden, {
      dtype: 'bf16',
    })
    expect(firstFailure).toMatchObject({ step: 1, verdict: 'shape-mismatch' })
  })

  test('a batch is seen in the next step if only the first is compared', () => {
    const batch = torchDump(single.map((_, seed) => rows([9, seed], [2, 8])))
    const prompt = torchDump([rows([9, 0], [2, 8]), ...single.slice(1)])
    const first = (dump: string) =>
      compareDumps(dump, torchDump(single), { dtype: 'bf16', steps: [0] }).tokens[0]!.verdict
    expect([first(batch), first(prompt)]).toEqual(['shape-mismatch', 'pass'])
    // Of a dump with one step nothing else is there to look at.
    expect(verdicts(single.slice(0, 1), [rows([9, 0], [2, 8])])[0]![0]).toBe('pass')
  })

  test('a run without a cache grows by one position a step', () => {
    const dump = [
      rows([7, 0], [2, 8]),
      rows([7, 0, 1], [3, 8]),
      rows([7, 0, 1, 2], [4, 8]),
      rows([7, 0, 1, 2, 3], [5, 8]),
    ]
    expect(verdicts(single, dump).map(([verdict]) => verdict)).toEqual(['pass', 'pass', 'pass', 'pass'])
  })

  test('a batch at a later step fails and names the options', () => {
    const dump = [single[0]!, rows([9, 1], [2, 8]), ...single.slice(2)]
    expect(verdicts(single, dump)[1]).toEqual([
      'shape-mismatch',
      "the dump holds 2 rows at token 1, shape [2, 8]: a batch, beams or speculative positions; say which count with loadDump's option sequence: 0 (of a batch) or positions: 'last' (or 'all', or a number)",
    ])
  })

  test('a batch at every step fails at step 0 too', () => {
    const dump = single.map((_, seed) => rows([9, seed], [2, 8]))
    expect(verdicts(single, dump).map(([verdict]) => verdict)).toEqual(Array(4).fill('shape-mismatch'))
    expect(verdicts(single, dump, { sequence: 1 }).map(([verdict]) => verdict)).toEqual(Array(4).fill('pass'))
    expect(verdicts(single, dump, { sequence: 0 })[0]![0]).toBe('over-threshold')
    expect(verdicts(single, dump, { sequence: 2 })[0]).toEqual([
      'shape-mismatch',
      'dump: the option sequence is 2, but the tensor [2, 8] holds 2 sequences',
    ])
  })

  test('a batch of three axes takes one sequence', () => {
    const dump = single.map((_, seed) => rows([9, seed], [2, 1, 8]))
    expect(verdicts(single, dump)[0]![1]).toContain("choose one with loadDump's option sequence: 0")
    expect(verdicts(single, dump, { sequence: 1 }).map(([verdict]) => verdict)).toEqual(Array(4).fill('pass'))
  })

  test('speculative positions take the option positions', () => {
    const dump = [single[0]!, rows([1, 9], [1, 2, 8]), rows([2, 9], [1, 2, 8]), single[3]!]
    expect(verdicts(single, dump).map(([verdict]) => verdict)).toEqual([
      'pass',
      'shape-mismatch',
      'shape-mismatch',
      'pass',
    ])
    expect(verdicts(single.slice(0, 3), dump.slice(0, 3), { positions: 0 }).map(([verdict]) => verdict)).toEqual(
      Array(3).fill('pass'),
    )
    expect(verdicts(single.slice(0, 2), dump.slice(0, 2), { positions: 'last' })[1]![0]).toBe('over-threshold')
    expect(verdicts(single, dump, { positions: 1 })[0]).toEqual([
      'shape-mismatch',
      'dump: the option positions is 1, but the tensor [1, 8] holds 1 positions',
    ])
  })

  test('one step that is one longer is no run without a cache', () => {
    const dump = [single[0]!, rows([9, 1], [2, 8])]
    expect(verdicts(single.slice(0, 2), dump).map(([verdict]) => verdict)).toEqual(['pass', 'shape-mismatch'])
  })

  test('a lone file may hold a whole run', () => {
    const root = writeTree({ 'golden.pth': pth(rows([0, 1, 2], [3, 8])), 'dump.pth': pth(rows([5, 1, 2], [3, 8])) })
    const sides = (options: LoadDumpOptions) =>
      ['dump.pth', 'golden.pth'].map((name) => loadDump(join(root, name), options))
    const [dump, golden] = sides({})
    expect(compareDumps(dump!, golden!).tokens[0]).toMatchObject({ verdict: 'shape-mismatch', pass: false })
    const [last, lastGolden] = sides({ positions: 'last' })
    expect(compareDumps(last!, lastGolden!).tokens[0]!.verdict).toBe('pass')
  })
})

type Kind = 'floats' | 'ids' | 'ints'

const STORED: Readonly<Record<Kind, string>> = { floats: 'FloatStorage', ids: 'LongStorage', ints: 'IntStorage' }

/** A file that holds a dict of these tensors of four elements: float32, ids as int64, or int32. */
function dictOf(tensors: Readonly<Record<string, Kind>>): Uint8Array {
  const item = (kind: Kind) => {
    const key = kind === 'floats' ? {} : { key: text(kind) }
    const stored = storage({ storageClass: global('torch', STORED[kind]), ...key })
    return tensor({ storage: stored, size: tuple(int(1), int(4)), stride: tuple(int(4), int(1)) })
  }
  const entries = Object.entries(tensors).flatMap(([name, kind]) => [text(name), item(kind)])
  const records = (['ids', 'ints'] as const).filter((kind) => Object.values(tensors).includes(kind))
  const others = records.map((kind) => ({
    name: `archive/data/${kind}`,
    content: Uint8Array.from({ length: kind === 'ids' ? 32 : 16 }, (_, i) => i),
  }))
  return zip([...torchRecords(pickle(dict(...entries))), ...others])
}

describe('several tensors in a file', () => {
  const golden = writeTree({
    'golden.pth': torchZip(pickle(tensor({ size: tuple(int(1), int(4)), stride: tuple(int(4), int(1)) }))),
  })
  const tokenOf = (file: Uint8Array, options: LoadDumpOptions = {}) => {
    const dump = loadDump(join(writeTree({ 'dump.pth': file }), 'dump.pth'), options)
    const { tokens, notes } = compareDumps(dump, join(golden, 'golden.pth'), { dtype: 'fp32' })
    return { ...tokens[0]!, notes }
  }

  test('the one named logits, and the only one that can be logits, are taken and said', () => {
    const named = tokenOf(dictOf({ hidden: 'floats', logits: 'floats' }))
    expect(named).toMatchObject({ verdict: 'pass' })
    expect(named.notes).toContain('token 0: dump: 2 tensors in the file, the one named logits compared')
    const only = tokenOf(dictOf({ input_ids: 'ids', scores: 'floats' }))
    expect(only).toMatchObject({ verdict: 'pass', dump: { dtype: 'float32' } })
    expect(only.notes).toContain('token 0: dump: 2 tensors in the file, the only one that can be logits compared')
  })

  test('otherwise the token fails, lists them, and the option tensor decides', () => {
    const file = dictOf({ scores: 'floats', hidden: 'floats' })
    expect(tokenOf(file)).toMatchObject({
      verdict: 'shape-mismatch',
      reason:
        "dump: 2 tensors in the file, and which one holds the logits is not decided: 'scores' float32 [1, 4], 'hidden' float32 [1, 4]; name the one that holds the logits with loadDump's option tensor: 'scores'",
    })
    expect(tokenOf(file, { tensor: 'hidden' })).toMatchObject({ verdict: 'pass' })
    expect(tokenOf(file, { tensor: 'logits' })).toMatchObject({
      verdict: 'shape-mismatch',
      reason:
        "dump: no tensor of the file is named 'logits'; there are 'scores' float32 [1, 4], 'hidden' float32 [1, 4]",
    })
    expect(tokenOf(dictOf({ a: 'ids', b: 'ids' })).verdict).toBe('shape-mismatch')
  })

  test('integers beside floats are taken only if the option names them', () => {
    const beside: Record<string, Kind>[] = [{ hidden: 'floats' }, { hidden: 'floats', other: 'floats' }]
    for (const others of beside) {
      const file = dictOf({ logits: 'ints', ...others })
      expect(tokenOf(file)).toMatchObject({
        verdict: 'shape-mismatch',
        reason: expect.stringContaining("is not decided: 'logits' int32 [1, 4], 'hidden' float32 [1, 4]"),
      })
      expect(tokenOf(file, { tensor: 'logits' }).notes).toContain('token 0: dump: the logits are integers (int32)')
    }
    const alone = tokenOf(dictOf({ logits: 'ints', input_ids: 'ids' }))
    expect(alone.notes).toContain('token 0: dump: 2 tensors in the file, the one named logits compared')
  })
})

describe('rows without information fail', () => {
  const good = row(1)
  test.each<[string, Tensor, string, string]>([
    ['all zero', { values: [0, 0, 0, 0, 0, 0, 0, 0] }, 'no-information', 'golden: all logits are equal (0)'],
    ['all equal', { values: Array(8).fill(3.5) }, 'no-information', 'golden: all logits are equal (3.5)'],
    [
      'probabilities',
      { values: [0.5, 0.25, 0.125, 0.125, 0, 0, 0, 0] },
      'no-information',
      'golden: the values are probabilities (in [0, 1], sum 1), not logits: dump the logits before the softmax',
    ],
  ])('%s', (_, tensor, verdict, reason) => {
    const comparison = compareDumps(torchDump([tensor, good]), torchDump([tensor, good]), { dtype: 'bf16' })
    expect(comparison.pass).toBe(false)
    expect(comparison.tokens[0]).toMatchObject({ verdict, reason, pass: false })
    expect(comparison.counts).toMatchObject({ total: 2, compared: 1, failed: 1 })
  })

  test.each<[string, number, number[], string | undefined]>([
    ['the others equal', Number.NEGATIVE_INFINITY, [4, 4, 4], 'all logits that are not masked are equal (4)'],
    ['the others equal, by the smallest float16', -65504, [4, 4, 4], 'all logits that are not masked are equal (4)'],
    ['one left', Number.NEGATIVE_INFINITY, [4], 'all logits but one are masked, so its softmax is 1 for any logit'],
    ['the others differ', Number.NEGATIVE_INFINITY, [4, 4, 3], undefined],
    ['two left', -1e9, [4, 3], undefined],
  ])('masked vocab ids: %s', (_, mask, left, reason) => {
    // Longer than what is read at a time.
    const tensor = { values: [...Array<number>(600).fill(mask), ...left] }
    const other = { values: logits(1, tensor.values.length) }
    const comparison = compareDumps(torchDump([tensor, other]), torchDump([tensor, other]), { dtype: 'bf16' })
    const verdict = reason === undefined ? 'pass' : 'no-information'
    expect(comparison.tokens[0]).toMatchObject({ verdict, reason: reason === undefined ? '' : `golden: ${reason}` })
    expect(comparison.pass).toBe(reason === undefined)
  })

  test('integers have any range', () => {
    const tensor: Tensor = { values: [-20_000, -30_000, 5, 5], dtype: 'int32' }
    expect(verdicts([tensor], [tensor])[0]![0]).toBe('pass')
  })

  test('one column', () => {
    expect(verdicts([{ values: [1], shape: [1, 1] }], [{ values: [1], shape: [1, 1] }])[0]).toEqual([
      'shape-mismatch',
      'one column: a row is a vocabulary, whose softmax is 1',
    ])
  })

  test('small logits that do not sum to 1 are logits', () => {
    const small = { values: [0.5, 0.25, 0.125, 0.5, 0, 0, 0, 0] }
    expect(verdicts([small], [small])[0]![0]).toBe('pass')
  })
})

test.each(['int64', 'int16', 'uint8', 'bool'] as const)('%s is no dtype of logits', (dtype) => {
  const ids = { values: [1, 0, 1, 1, 0, 0, 1, 0], dtype }
  const [verdict, reason] = verdicts([row(1)], [ids])[0]!
  expect(verdict).toBe('shape-mismatch')
  expect(reason).toMatch(new RegExp(`^dump: dtype ${dtype}: such numbers are .*, not logits`))
})

test('probability on ids that only the golden suppresses counts against the dump', () => {
  const values = [10, 10, 1, 2, 3, 0, 1, 2]
  const masked = { values: values.with(1, Number.NEGATIVE_INFINITY) }
  const [verdict, reason] = verdicts([masked], [{ values }])[0]!
  expect(verdict).toBe('over-threshold')
  expect(reason).toMatch(
    /the dump gives probability 0\.49\d+ to 1 vocab id that the golden suppresses, not below the KL limit 0\.005$/,
  )
  // An id that neither run would ever pick.
  const harmless = { values: values.with(1, -80) }
  expect(verdicts([masked], [harmless])[0]![1]).not.toContain('suppresses')
})

describe('limits that any logits keep are an error', () => {
  const path = torchDump([row(1)])
  const infinite = Number.POSITIVE_INFINITY

  test.each<[NonNullable<CompareOptions['thresholds']>]>([
    [{ klDivergence: infinite, cosineSimilarity: -1 }],
    [{ klDivergence: 1e300, cosineSimilarity: -1 }],
    [{ klDivergence: 104, cosineSimilarity: -1e-9 }],
    [{ klDivergence: infinite, cosineSimilarity: -1, meanKl: infinite, p99Kl: 1e300 }],
  ])('%j', (thresholds) => {
    expect(() => compareDumps(path, path, { thresholds })).toThrow(
      /^thresholds gate nothing: klDivergence \S+ \(from 103\.3 nats on, a float32 softmax is 0\) and cosineSimilarity -\S+ \(that of unrelated logits is about 0\) let any logits pass; set a limit that you accept$/,
    )
  })

  test.each<[NonNullable<CompareOptions['thresholds']>]>([
    [{ klDivergence: infinite }],
    [{ klDivergence: infinite, cosineSimilarity: 0 }],
    [{ klDivergence: 103, cosineSimilarity: -1 }],
    [{ cosineSimilarity: -1 }],
    [{ klDivergence: infinite, cosineSimilarity: -1, meanKl: 1 }],
    [{ klDivergence: infinite, cosineSimilarity: -1, top1Agreement: 0 }],
  ])('but not %j', (thresholds) => {
    expect(compareDumps(path, path, { thresholds }).tokens[0]!.pass).toBe(true)
  })
})

test('tokens of which the row is not decided are in no note about what was compared', () => {
  const batches = (seed: number) => torchDump([0, 1, 2].map((step) => rows([seed + step, step], [2, 8])))
  const { pass, notes, warnings } = compareDumps(batches(10), batches(20))
  expect({ pass, notes, warnings }).toEqual({ pass: false, notes: [], warnings: [] })
})

test('rows without information name no precision', () => {
  const zeros = torchDump([{ values: Array(8).fill(0), dtype: 'bfloat16' }])
  expect(compareDumps(zeros, zeros, { identical: 'allow' }).notes).not.toContainEqual(expect.stringMatching('dtype'))
})

test('steps of one position before growing ones are no run without a cache', () => {
  const single = [0, 1, 2, 3].map((seed) => row(seed))
  const dump = [...single.slice(0, 2), rows([9, 2], [2, 8]), rows([9, 8, 3], [3, 8])]
  expect(verdicts(single, dump).map(([verdict]) => verdict)).toEqual([
    'pass',
    'pass',
    'shape-mismatch',
    'shape-mismatch',
  ])
})
