import { describe, expect, test } from 'vitest'
import type { CompareOptions } from '../../src/compare/options.js'
import { type Comparison, compareDumps, loadDump, type TokenComparison } from '../../src/index.js'
import { logits } from '../build/logits.js'
import { atbDump, type Step, torchDump } from '../build/pair.js'

const GOOD = [0, 1, 2].map((seed) => ({ values: logits(seed) }))
const BAD = { values: logits(9) }

function compare(golden: readonly Step[], dump: readonly Step[], options?: CompareOptions): Comparison {
  const comparison = compareDumps(atbDump(dump), torchDump(golden), options)
  const { total, compared, failed, missing, extra, unreadable, passed, overThreshold, notComparable } =
    comparison.counts
  expect(compared + failed + missing + extra + unreadable).toBe(total)
  expect(passed + overThreshold + notComparable).toBe(compared)
  expect(comparison.tokens).toHaveLength(total)
  expect(comparison.tokens.map(({ step }) => step)).toEqual(
    comparison.tokens.map(({ step }) => step).sort((a, b) => a - b),
  )
  expect(comparison.firstFailure).toBe(comparison.tokens.find(({ pass }) => !pass))
  return comparison
}

/** Token 1 where it is not as the golden's. */
function tokenOf(golden: Step, dump: Step, options?: CompareOptions): TokenComparison & { comparison: Comparison } {
  const comparison = compare([GOOD[0]!, golden, GOOD[2]!], [GOOD[0]!, dump, GOOD[2]!], options)
  expect(comparison.tokens.map(({ verdict }) => verdict)).toEqual(['pass', comparison.tokens[1]!.verdict, 'pass'])
  return { ...comparison.tokens[1]!, comparison }
}

test('verdicts follow the thresholds of the comparison, also if the tokens are read later', () => {
  const comparison = compareDumps(atbDump(GOOD), torchDump(GOOD), { dtype: 'fp32' })
  comparison.thresholds.klDivergence = -1
  expect(comparison.tokens.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'pass'])
})

test('rows that agree pass', () => {
  const { pass, counts, tokens } = compare(GOOD, GOOD)
  expect(pass).toBe(true)
  expect(counts).toMatchObject({ total: 3, compared: 3, passed: 3 })
  expect(tokens[0]).toEqual({
    step: 0,
    verdict: 'pass',
    pass: true,
    reason: '',
    metrics: {
      cosineSimilarity: 1,
      klDivergence: 0,
      maxRelativeError: 0,
      meanRelativeError: 0,
      maxAbsoluteError: 0,
      meanAbsoluteError: 0,
      relativeEuclideanDistance: 0,
    },
    topProbability: expect.any(Number),
    golden: expect.objectContaining({ layer: 'root.lm_head', dtype: 'float32', shape: [1, 8], fileShape: [1, 8] }),
    dump: expect.objectContaining({ layer: '33_LmHead', dtype: 'float32', top1: tokens[0]!.golden!.top1 }),
  })
})

test('a token over a limit says which, with value and limit', () => {
  const token = tokenOf(GOOD[1]!, BAD, { dtype: 'bf16' })
  expect(token).toMatchObject({ verdict: 'over-threshold', pass: false })
  expect(token.reason).toMatch(
    /^KL divergence [\d.]+ is not below 0\.005; cosine similarity -?[\d.]+ is not above 0\.999$/,
  )
  expect(token.comparison).toMatchObject({ pass: false, firstFailure: { step: 1 } })
})

test('limits are strict', () => {
  // Of softmax [0, ln 3] against [0, 0]: KL = ln 2 − H(1/4) …; a limit of exactly this value is exceeded.
  const [golden, dump] = [{ values: [1, 2, 3] }, { values: [1, 2, 3.5] }]
  const { klDivergence, cosineSimilarity = Number.NaN } = tokenOf(golden, dump).metrics!
  const gate = (thresholds: object) =>
    tokenOf(golden, dump, { dtype: 'fp32', thresholds: { klDivergence: 9, cosineSimilarity: 0, ...thresholds } })
  expect(gate({ klDivergence }).reason).toBe(`KL divergence ${klDivergence} is not below ${klDivergence}`)
  expect(gate({ cosineSimilarity }).reason).toBe(
    `cosine similarity ${cosineSimilarity} is not above ${cosineSimilarity}`,
  )
  expect(gate({ klDivergence: klDivergence * (1 + 2 ** -52) }).verdict).toBe('pass')
  expect(gate({ cosineSimilarity: cosineSimilarity * (1 - 2 ** -53) }).verdict).toBe('pass')
  // And the printed value is on the side of its limit that it is on.
  const [, printed] = /divergence (\S+) is/.exec(gate({ klDivergence: klDivergence * (1 - 1e-12) }).reason)!
  expect(Number(printed)).toBeGreaterThan(klDivergence * (1 - 1e-12))
})

describe('steps of one side', () => {
  test('missing in the dump, or extra there, fail', () => {
    const missing = compare(GOOD, [GOOD[0]!, null, GOOD[2]!])
    expect(missing.firstFailure).toEqual({
      step: 1,
      verdict: 'missing',
      pass: false,
      reason: 'the golden holds token 1, the dump does not',
      golden: { files: [expect.stringContaining('/1/root.lm_head/output.pth')], layer: 'root.lm_head' },
    })
    const extra = compare([GOOD[0]!, null, GOOD[2]!], GOOD)
    expect(extra.firstFailure).toMatchObject({
      verdict: 'extra',
      reason: 'the dump holds token 1, the golden does not',
    })
    expect([missing.pass, extra.pass]).toEqual([false, false])
  })

  test('are listed, not failed, if the options allow them', () => {
    const options = { missing: 'allow', extra: 'allow' } as const
    const { pass, counts, firstFailure } = compare([GOOD[0]!, GOOD[1]!, null], [GOOD[0]!, null, GOOD[2]!], options)
    expect({ pass, firstFailure }).toEqual({ pass: true, firstFailure: undefined })
    expect(counts).toMatchObject({ total: 3, compared: 1, missing: 1, extra: 1 })
  })

  test('a comparison of only such steps never passes', () => {
    const options = { missing: 'allow', extra: 'allow' } as const
    const { pass, counts, notes } = compare([GOOD[0]!, null], [null, GOOD[1]!], options)
    expect(pass).toBe(false)
    expect(counts).toMatchObject({ total: 2, compared: 0 })
    expect(notes.join()).not.toContain('taken from the dumps')
  })
})

describe('rows that cannot be compared', () => {
  test.each<[string, Step, Step, string]>([
    [
      'another vocabulary',
      { values: logits(1, 8) },
      { values: logits(1, 10) },
      'vocabularies differ: golden 8 columns, dump 10; if one side pads its vocabulary, set the option vocabSize (to 8 or below)',
    ],
    [
      'half of the vocabulary',
      { values: logits(1, 8) },
      { values: logits(1, 4) },
      'vocabularies differ: golden 8 columns, dump 4; if the dump is one rank of a tensor-parallel run, name the folder that holds all its ranks',
    ],
    [
      'a batch',
      { values: logits(1, 8), shape: [2, 1, 4] },
      { values: logits(1, 4) },
      "golden: a batch of several sequences, shape [2, 1, 4]; expected [1, positions, vocabulary]: dump one sequence at a time, or choose one with loadDump's option sequence: 0; if they are the tokens of one run, set positions: 'steps'",
    ],
    ['an empty tensor', { values: logits(1) }, { values: [], shape: [0, 8] }, 'dump: the tensor is empty'],
    ['no column', { values: logits(1) }, { values: [], shape: [1, 0] }, 'dump: the tensor is empty'],
    [
      'a vocabulary that lies along another axis',
      { values: logits(1), shape: [8, 1] },
      { values: logits(1), shape: [8, 1] },
      'golden: one column and 8 rows: a row is a vocabulary, expected [1, positions, vocabulary]',
    ],
    [
      'a single number',
      { values: [1], shape: [] },
      { values: logits(1) },
      'golden: the tensor is a single number, without a vocabulary axis',
    ],
  ])('%s', (_, golden, dump, reason) => {
    const token = tokenOf(golden, dump)
    expect(token).toMatchObject({ verdict: 'shape-mismatch', pass: false, reason })
    expect(token.metrics).toBeUndefined()
    expect(token.comparison.counts).toMatchObject({ compared: 2, failed: 1 })
    const shapes = [golden, dump].map((step) => {
      const { values, shape = [1, values.length] } = step as { values: number[]; shape?: number[] }
      return shape
    })
    expect([token.golden!.fileShape, token.dump!.fileShape]).toEqual(shapes)
    expect(token.golden).toMatchObject({ dtype: 'float32', shape: expect.any(Array) })
    expect(token.dump).toMatchObject({ dtype: 'float32', shape: expect.any(Array) })
  })

  test('each side keeps the shape of its own row', () => {
    const token = tokenOf({ values: logits(1, 40), shape: [1, 5, 8] }, { values: logits(1, 10) })
    expect(token.golden).toMatchObject({ shape: [1, 8], fileShape: [1, 5, 8] })
    expect(token.dump).toMatchObject({ shape: [1, 10], fileShape: [1, 10] })
  })
})

describe('every shape of logits', () => {
  const row = logits(1, 8)
  const positions = [...logits(5, 8), ...logits(6, 8), ...row]

  test.each<[string, Step]>([
    ['[vocab]', { values: row, shape: [8] }],
    ['[1, vocab]', { values: row, shape: [1, 8] }],
    ['[1, 1, vocab]', { values: row, shape: [1, 1, 8] }],
    ['[1, 1, 1, vocab]', { values: row, shape: [1, 1, 1, 8] }],
    ['[positions, vocab]', { values: positions, shape: [3, 8] }],
    ['[1, positions, vocab]', { values: positions, shape: [1, 3, 8] }],
  ])('%s on either side: the last row', (_, step) => {
    // Step 0, the only one that may hold a prompt.
    const first = (golden: Step, dump: Step) => compare([golden], [dump]).tokens[0]!
    for (const token of [first(step, { values: row }), first({ values: row }, step)]) {
      expect(token).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0, cosineSimilarity: 1 } })
      expect([token.golden!.shape, token.dump!.shape]).toEqual([
        [1, 8],
        [1, 8],
      ])
    }
    const { notes } = compare([step], [{ values: row }])
    const several = (step as { values: number[] }).values.length > 8
    expect(notes.includes('token 0: golden: only the last of several positions compared')).toBe(several)
  })
})

describe('every dtype', () => {
  const whole = [3, -2, 5, 0, 1, 4, -1, 2]

  test.each(['float64', 'float32', 'float16', 'bfloat16', 'int32', 'int8'] as const)('%s', (dtype) => {
    const step = { values: whole, dtype }
    const token = compare([step], [{ values: whole }], { dtype: 'fp32' }).tokens[0]!
    expect(token).toMatchObject({
      verdict: 'pass',
      metrics: { klDivergence: 0 },
      golden: { dtype, max: 5, min: -2, mean: 1.5 },
    })
    if (dtype === 'float64') return
    expect(compare([{ values: whole }], [step], { dtype: 'fp32' }).tokens[0]).toMatchObject({
      verdict: 'pass',
      dump: { dtype, top1: 2 },
    })
  })

  test('float64 beyond the range of float32 is no infinity and no suppressed id', () => {
    for (const sign of [1, -1]) {
      const token = tokenOf({ values: [sign * 1e39, 1, 2], dtype: 'float64' }, { values: [sign * 3e38, 1, 2] })
      expect(token.metrics!.maxAbsoluteError).toBeCloseTo(7e38, -33)
      expect(token.support).toBeUndefined()
    }
  })

  test('without the option dtype, integers on both sides leave no limit to choose', () => {
    const step = { values: whole, dtype: 'int8' } as const
    expect(() => compare([step], [step])).toThrow(/both dumps hold integers \(int8\).*set the option dtype/)
    expect(compare([step], [step], { dtype: 'fp16' }).pass).toBe(true)
  })
})

describe('NaN and infinities', () => {
  const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY]

  test.each<[string, number[], number[], string]>([
    ['NaN in the dump', [1, 2, 3], [1, nan, nan], 'dump holds 2 NaN, first at vocab id 1'],
    ['+Inf in the golden', [1, 2, inf], [1, 2, 3], 'golden holds 1 +Inf, first at vocab id 2'],
    [
      'the same NaN on both sides',
      [nan, 2, 3],
      [nan, 2, 3],
      'golden holds 1 NaN, first at vocab id 0; dump holds 1 NaN, first at vocab id 0',
    ],
    ['NaN and +Inf', [inf, nan, 3], [1, 2, 3], 'golden holds 1 NaN and 1 +Inf, first at vocab id 0'],
    ['nothing but -Inf in the dump', [1, 2, 3], [-inf, -inf, -inf], 'every logit of the dump is -Inf'],
    ['nothing but -Inf on both sides', [-inf, -inf], [-inf, -inf], 'every logit of both sides is -Inf'],
  ])('%s', (_, golden, dump, reason) => {
    const token = tokenOf({ values: golden }, { values: dump })
    expect(token).toMatchObject({
      verdict: 'non-finite',
      pass: false,
      reason,
      golden: { dtype: 'float32', shape: [1, golden.length] },
    })
    expect(token.metrics).toBeUndefined()
    expect(token.comparison).toMatchObject({ pass: false, counts: { failed: 1, compared: 2 } })
  })

  test('-Inf on both sides is data, on one side a mismatch of support', () => {
    const both = tokenOf({ values: [1, -inf, 3] }, { values: [1, -inf, 3] })
    expect(both).toMatchObject({ verdict: 'pass', support: { bothSuppressed: 1 }, golden: { min: -inf, mean: -inf } })
    const one = tokenOf({ values: [1, 2, 3] }, { values: [1, -inf, 3] })
    expect(one).toMatchObject({
      verdict: 'over-threshold',
      metrics: { klDivergence: inf },
      support: { dumpOnly: 1, firstMismatch: 1 },
    })
    expect(one.reason).toMatch(/^KL divergence Infinity is not below 0.000001$/)
    expect(tokenOf({ values: [1, -inf, 3] }, { values: [1, 2, 3] }).verdict).toBe('over-threshold')
  })
})

describe('files that cannot be read', () => {
  test('fail their token, with the reason, and no other', () => {
    const token = tokenOf(GOOD[1]!, 'no tensor')
    expect(token).toMatchObject({ verdict: 'unreadable', pass: false, golden: { dtype: 'float32', shape: [1, 8] } })
    expect(token.reason).toMatch(
      /\/1\/33_LmHead\/after\/outtensor0\.bin: is of an unknown format, expected one of: a NumPy archive/,
    )
    expect(token.comparison.counts).toMatchObject({ compared: 2, unreadable: 1 })
  })

  test('on both sides give both reasons', () => {
    expect(tokenOf('', '').reason).toMatch(/output\.pth: is empty, expected .*; .*outtensor0\.bin: is empty, expected/)
  })
})

describe('which steps', () => {
  test('a list, or a range with both ends', () => {
    const steps = (options: CompareOptions) => compare(GOOD, GOOD, options).tokens.map(({ step }) => step)
    expect(steps({ steps: [2, 0, 2] })).toEqual([0, 2])
    expect(steps({ steps: { from: 1 } })).toEqual([1, 2])
    expect(steps({ steps: { from: 1, to: 1 } })).toEqual([1])
    expect(steps({ steps: { to: 1 } })).toEqual([0, 1])
  })

  test('that neither side has are refused, or noted where they are a gap', () => {
    expect(() => compare(GOOD, GOOD, { steps: [1, 7] })).toThrow(
      'neither side has token 7; the two sides have tokens 0 to 2',
    )
    expect(() => compare(GOOD, GOOD, { steps: { from: 3 } })).toThrow(
      'no step is within the requested range; the two sides have tokens 0 to 2',
    )
    const holes = [null, GOOD[1]!, null, null, GOOD[2]!]
    expect(compare(holes, holes).notes).toContain(
      `neither side has tokens 0, 2 to 3; if that is right, list the tokens to compare in the option steps`,
    )
    expect(compare(holes, holes, { steps: { from: 1 } }).notes).toContain(
      `neither side has tokens 2 to 3; if that is right, list the tokens to compare in the option steps`,
    )
    const comb = Array.from({ length: 14 }, (_, i) => (i % 2 === 0 ? GOOD[0]! : null))
    expect(compare(comb, comb).notes).toContain(
      `neither side has tokens 1, 3, 5, 7, 9 and others, 6 in all; if that is right, list the tokens to compare in the option steps`,
    )
  })

  test('that are one off on an assumption: the note names the way out', () => {
    const { notes } = compare(GOOD, [null, ...GOOD])
    expect(notes).toContain(
      "the steps do not line up, and the steps of the dump are assumed (its first is taken for token 1); if that is right, set loadDump's option firstStep: 1; if it is wrong, the right number",
    )
    const shifted = loadDump(atbDump([null, ...GOOD]), { firstStep: 0 })
    expect(compareDumps(shifted, torchDump(GOOD)).pass).toBe(true)
  })

  test('two named files are compared, also if their steps differ', () => {
    const golden = loadDump(`${torchDump([BAD, GOOD[1]!])}/torch_tensors/cuda0_1/1/root.lm_head/output.pth`)
    const dump = loadDump(`${atbDump([GOOD[1]!])}/tensors/0_2/0/33_LmHead/after/outtensor0.bin`)
    const { pass, tokens, notes } = compareDumps(dump, golden)
    expect(pass).toBe(true)
    expect(tokens.map(({ step }) => step)).toEqual([1])
    expect(() => compareDumps(dump, golden, { steps: { from: 2 } })).toThrow('no step is within the requested range')
    expect(notes).toContain(
      "two files were named, so they are compared as one token: golden token 1 with dump token 0; if that is right, give both the same number by loadDump's option firstStep",
    )
  })
})

test('a dump against itself passes, and a note says that it is the same', () => {
  const path = torchDump(GOOD)
  const { pass, notes } = compareDumps(path, path)
  expect(pass).toBe(true)
  expect(notes).toContain("tokens 0 to 2: golden and dump are the same file; if that is right, set identical: 'allow'")
})

describe('afterDivergence', () => {
  const golden = [{ values: [3, 1, 0] }, { values: [3, 1, 0] }, { values: [0, 1, 3] }, { values: [0, 1, 3] }]
  const dump = [{ values: [3, 1, 0] }, { values: [1, 3, 0] }, { values: [3, 1, 0] }, null, GOOD[0]!]

  test('gates every token by default', () => {
    const { tokens } = compare(golden, dump)
    expect(tokens.map(({ verdict }) => verdict)).toEqual([
      'pass',
      'over-threshold',
      'over-threshold',
      'missing',
      'extra',
    ])
  })

  test('ignore excuses what comes after the flip, but not the flip', () => {
    const { tokens, pass, notes, counts } = compare(golden, dump, { afterDivergence: 'ignore' })
    expect(tokens.map((token) => [token.verdict, token.pass])).toEqual([
      ['pass', true],
      ['over-threshold', false],
      ['not-comparable', true],
      ['not-comparable', true],
      ['not-comparable', true],
    ])
    expect(pass).toBe(false)
    expect(counts).toMatchObject({ compared: 3, notComparable: 1, overThreshold: 1 })
    expect(tokens[2]!.reason).toMatch(/^KL divergence .*; not gated, since top-1 differs at token 1$/)
    expect(notes).toContain(
      "top-1 differs at token 1: 3 failing tokens are excused after it (afterDivergence: 'ignore'); if that is right, set steps: { to: 1 }",
    )
  })

  test('a flip within the limits is a pass, and what cannot be read stays a failure', () => {
    const tie = [{ values: [3, 2.999, 0] }, GOOD[0]!, { values: [1, 2] }]
    const flipped = [{ values: [2.999, 3, 0] }, 'no tensor', { values: [1, Number.NaN] }]
    const { tokens, pass } = compare(tie, flipped, { dtype: 'bf16', afterDivergence: 'ignore' })
    expect(tokens.map((token) => [token.verdict, token.pass])).toEqual([
      ['pass', true],
      ['unreadable', false],
      ['non-finite', false],
    ])
    expect(pass).toBe(false)
  })
})

describe('vocabSize', () => {
  const row = logits(1, 8)
  const padded = (...pad: number[]) => ({ values: [...row, ...pad] })

  test('cuts the padding off one side or both, and says how much', () => {
    const cut = tokenOf({ values: row }, padded(-90, -90), { vocabSize: 8 })
    expect(cut).toMatchObject({ verdict: 'pass', metrics: { klDivergence: 0 }, golden: { shape: [1, 8] } })
    expect(cut.dump).toMatchObject({ shape: [1, 8], fileShape: [1, 10], min: Math.min(...row) })
    expect(cut.comparison.notes).toContainEqual(
      expect.stringMatching(/^dump: 2 columns cut by vocabSize, at most \d\.\d\de-\d\d of a token's probability$/),
    )
    const both = tokenOf(padded(-90), padded(-90, Number.NEGATIVE_INFINITY), { vocabSize: 8 })
    expect(both).toMatchObject({ verdict: 'pass', golden: { fileShape: [1, 9] }, dump: { fileShape: [1, 10] } })
  })

  test('never cuts what holds probability, or is no number', () => {
    const mass = tokenOf({ values: row }, padded(5), { vocabSize: 8, dtype: 'bf16' })
    expect(mass.verdict).toBe('shape-mismatch')
    expect(mass.reason).toMatch(
      /^the 1 column of the dump that vocabSize cuts off holds 0\.\d+ of its probability, not below the KL limit 0\.005$/,
    )
    const nan = tokenOf(padded(Number.NaN), { values: row }, { vocabSize: 8 })
    expect(nan).toMatchObject({
      verdict: 'shape-mismatch',
      reason: expect.stringContaining('golden that vocabSize cuts off holds NaN or +Inf'),
    })
  })

  test('must be there on both sides', () => {
    const { tokens } = compare([{ values: logits(1, 12) }], [padded(1, 1)], { vocabSize: 12 })
    expect(tokens[0]).toMatchObject({
      verdict: 'shape-mismatch',
      reason: 'vocabSize is 12, but the dump holds 10 columns',
      golden: { shape: [1, 12] },
      dump: { shape: [1, 10] },
    })
  })
})
