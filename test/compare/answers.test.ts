import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps, type Dump, GoldenLogitsError, loadDump, logitsOf } from '../../src/index.js'
import { writeTree } from '../build/tree.js'
import { expectRefusal } from '../formats/build/refusal.js'

const FOLDER = 'test/fixtures/answers'
const all = join(FOLDER, 'completion-all.json')
const top20 = join(FOLDER, 'completion-20.json')

function answer(content: object, name = 'answer.json'): string {
  return join(writeTree({ [name]: Buffer.from(JSON.stringify(content)) }), name)
}

/** A prompt as vLLM lists it: the probabilities of some ids at each position. */
function prompt(...positions: Readonly<Record<number, number>>[]) {
  const listed = positions.map((position) =>
    Object.fromEntries(
      Object.entries(position)
        .sort((a, b) => b[1] - a[1])
        .map(([id, p], i) => [id, { logprob: Math.log(p), rank: i + 1 }]),
    ),
  )
  return { choices: [{ prompt_logprobs: [null, ...listed], prompt_token_ids: [9, ...positions.map(() => 1)] }] }
}

describe('answers of llama-server', () => {
  test('with the whole vocabulary are log-probabilities: KL divergence is certain, cosine similarity has no meaning', () => {
    const { pass, tokens, counts } = compareDumps(all, all, { dtype: 'bf16', identical: 'allow' })
    expect(pass).toBe(true)
    expect(counts).toMatchObject({ total: 3, passed: 3 })
    expect(tokens[0]!.golden).toMatchObject({ kind: 'log-probabilities', shape: [1, 512], top1: 281 })
    expect(tokens[0]!.metrics!.cosineSimilarity).toBeUndefined()
  })

  test('with the most probable ids alone are undecided, never a pass, and say what is known', () => {
    const { pass, tokens } = compareDumps(top20, all, { dtype: 'bf16' })
    expect(pass).toBe(false)
    expect(tokens.map(({ verdict }) => verdict)).toEqual(['undecided', 'undecided', 'undecided'])
    expect(tokens[0]!.reason).toMatch(/^KL divergence lies in \[0, Infinity\], which contains its limit 0\.005; /)
    expect(tokens[0]!.reason).toContain(
      "the vocab ids that both sides list are 20, the others hold 0.101 of the golden's",
    )
    expect(tokens[0]!.dump).toMatchObject({ kind: 'known-ids', top1: 281 })
  })

  test('of another text fail, by the ids that the other side cannot have left out', () => {
    const { tokens } = compareDumps(top20, join(FOLDER, 'v1-chat.json'), { dtype: 'bf16' })
    expect(tokens[0]).toMatchObject({ verdict: 'over-threshold' })
    expect(tokens[0]!.reason).toMatch(/^KL divergence is at least 1\.9/)
  })

  test('with probabilities after sampling are unreadable, with what to ask for', () => {
    const { tokens } = compareDumps(join(FOLDER, 'completion-post.json'), all)
    expect(tokens[0]).toMatchObject({ verdict: 'unreadable' })
    expect(tokens[0]!.reason).toContain('ask with "post_sampling_probs": false (llama-server)')
  })
})

test('known ids against logits of the same width, and beyond it', () => {
  const logits = logitsOf({ data: Float32Array.of(2, 1, 0, -1), dims: [1, 4] })
  const z = [2, 1, 0, -1].map(Math.exp)
  const p = z.map((e) => e / z.reduce((a, b) => a + b))
  const same = compareDumps(answer(prompt({ 0: p[0]!, 1: p[1]! })), logits)
  expect(same.tokens[0]).toMatchObject({ verdict: 'undecided', bounds: { klDivergence: { lo: 0 } } })
  const other = compareDumps(answer(prompt({ 1: p[0]!, 0: p[1]! })), logits)
  // Two ids swapped: at least p₀·ln(p₀/p₁) + p₁·ln(p₁/p₀), and the rest agrees.
  const swapped = (p[0]! - p[1]!) * Math.log(p[0]! / p[1]!)
  expect(other.tokens[0]).toMatchObject({ verdict: 'over-threshold', pass: false })
  expect(Math.abs(other.tokens[0]!.bounds!.klDivergence.lo - swapped)).toBeLessThan(1e-5)
  const beyond = compareDumps(answer(prompt({ 0: p[0]!, 7: p[1]! })), logits)
  expect(beyond.tokens[0]).toMatchObject({
    verdict: 'shape-mismatch',
    reason: 'the dump lists vocab id 7, and the golden has 4 columns',
  })
})

test('NaN in the logits is said, not bounded', () => {
  const logits = logitsOf({ data: Float32Array.of(2, Number.NaN, 0, -1), dims: [1, 4] })
  const { tokens } = compareDumps(answer(prompt({ 0: 0.6, 1: 0.2 })), logits)
  expect(tokens[0]).toMatchObject({ verdict: 'non-finite', reason: 'golden holds 1 NaN, first at vocab id 1' })
})

describe('loadDump', () => {
  const both = {
    choices: [
      {
        prompt_logprobs: [null, { 1: { logprob: -0.5 } }, { 2: { logprob: -0.5 } }],
        prompt_token_ids: [9, 1, 2],
        token_ids: [4],
        logprobs: { content: [{ id: 4, logprob: -0.5 }] },
      },
    ],
  }

  test('takes the positions of the prompt and of the output, with their ids; the option tensor takes one of them', () => {
    const file = answer(both)
    const whole = loadDump(file)
    expect(whole).toMatchObject({ layout: 'answers', kind: 'known-ids' })
    expect(whole.steps.length).toBe(3)
    expect(whole.notes).toEqual([
      {
        weight: 'info',
        text: "the 2 positions of the prompt come first, then the 1 generated token; loadDump's option tensor: 'prompt' or 'output' takes one of them",
      },
    ])
    expect(whole.tokenIds).toEqual(
      new Map([
        ['prompt_input_ids', [9, 1, 2]],
        ['generated_token_ids', [4]],
      ]),
    )
    const output = loadDump(file, { tensor: 'output', firstStep: 7 })
    expect([...output.steps]).toMatchObject([{ step: 7, position: 2 }])
    expect([...output.tokenIds!.keys()]).toEqual(['generated_token_ids'])
    const text = "has no 'scores': an answer of a server holds 'prompt' and 'output'"
    expectRefusal(() => loadDump(file, { tensor: 'scores' }), 'invalid-argument', text, file)
  })

  test('asks which of several answers counts, and compares all by their numbers', () => {
    const two = [prompt({ 0: 0.9 }), prompt({ 0: 0.8 })]
    const file = answer(two)
    const text = "holds 2 answers: 0, 1; choose one with the option run: '0', or compare all with run: 'all'"
    expectRefusal(() => loadDump(file), 'ambiguous-run', text, file)
    expectRefusal(() => loadDump(file, { run: '7' }), 'invalid-argument', "run: '7' names none of them", file)
    expect([...loadDump(file, { run: '1' }).steps]).toMatchObject([{ position: 1 }])
    const others = answer([prompt({ 0: 0.9 }), prompt({ 1: 0.8 })])
    const dumps = [others, file].map((path) => loadDump(path, { run: 'all' })) as [Dump, Dump]
    const { tokens } = compareDumps(...dumps, { dtype: 'bf16' })
    expect(tokens.map(({ run, verdict }) => [run, verdict])).toEqual([
      ['0', 'undecided'],
      ['1', 'over-threshold'],
    ])
  })

  test.each([
    ['positions', 'all'],
    ['sequence', 0],
    ['ranks', 'copies'],
    ['layer', 'x'],
    ['prefill', 'last'],
  ])('refuses the option %s', (name, value) => {
    const text = `the option ${name} has no meaning for the answers of a server; leave it out`
    expect(() => loadDump(top20, { [name]: value })).toThrow(GoldenLogitsError)
    expect(() => loadDump(top20, { [name]: value })).toThrow(text)
  })

  test('other JSON is still no dump', () => {
    const file = answer({ task: 'tensor' }, 'dump.json')
    expectRefusal(() => loadDump(file), 'unsupported-format', 'a dump.json of msprobe only lists tensors', file)
  })
})

/** The exact total variation of two rows. */
const variation = (p: readonly number[], q: readonly number[]) =>
  p.reduce((sum, value, i) => sum + Math.abs(value - q[i]!), 0) / 2

describe('limits that rows of some vocab ids can keep', () => {
  const golden = [0.5, 0.3, 0.1, 0.06, 0.04]
  const dump = [0.52, 0.28, 0.1, 0.06, 0.04]
  const top3 = (row: readonly number[]) => answer(prompt({ 0: row[0]!, 1: row[1]!, 2: row[2]! }))
  const compare = (limits: object) => {
    const { tokens, pass } = compareDumps(top3(dump), top3(golden), { dtype: 'bf16', thresholds: limits })
    return { ...tokens[0]!, pass }
  }

  test('total variation lies between the moved probability and that plus the rest', () => {
    const { bounds } = compare({ totalVariation: 0.2 })
    const { lo, hi } = bounds!.totalVariation!
    expect(lo).toBeCloseTo(variation(golden, dump), 5)
    // Both sides may have all of the rest, 0.1, where the other has none of it.
    expect(hi).toBeCloseTo(0.02 + 0.1, 5)
  })

  test.each<[object, string, RegExp]>([
    [{ totalVariation: 0.15 }, 'pass', /^KL divergence lies in \[0\.0\d+, Infinity\], total variation in \[0\.0/],
    [
      { totalVariation: 0.1 },
      'undecided',
      /^total variation lies in \[0\.0\d+, 0\.12\d*\], which contains its limit 0\.1; /,
    ],
    [{ totalVariation: 0.01 }, 'over-threshold', /^total variation is at least 0\.0199\d*, not below 0\.01$/],
    [{ jensenShannonDivergence: 0.2 }, 'pass', /Jensen-Shannon divergence in \[/],
    [{ jensenShannonDivergence: 1e-5 }, 'over-threshold', /^Jensen-Shannon divergence is at least 0\.000/],
    // A limit of the KL divergence that was set by hand is not dropped.
    [
      { totalVariation: 0.15, klDivergence: 0.01 },
      'undecided',
      /^KL divergence lies in .*, which contains its limit 0\.01; /,
    ],
    // Nor is one that is certainly exceeded.
    [
      { totalVariation: 0.5, klDivergence: 1e-4 },
      'over-threshold',
      /^KL divergence is at least 0\.00108\d+, not below 0\.0001$/,
    ],
    [
      { totalVariation: 0.15, goldenTop1Rank: 2 },
      'undecided',
      /^golden top-1 rank has a limit, but a row is rounded or/,
    ],
  ])('%j: %s', (limits, verdict, reason) => {
    const token = compare(limits)
    expect(token.verdict).toBe(verdict)
    expect(token.reason).toMatch(reason)
    expect(token.pass).toBe(verdict === 'pass')
  })

  test('a pass warns that few ids are known; the option kind confirms it, and strict then passes', () => {
    const options = { dtype: 'bf16', thresholds: { totalVariation: 0.15 } } as const
    const { warnings, pass } = compareDumps(top3(dump), top3(golden), { ...options, strict: true })
    expect(pass).toBe(false)
    expect(warnings).toEqual([
      "of 1 token only some vocab ids are known on both sides: at least 3, beside which the golden has a probability of up to 0.1; a fault in the other ids, such as a wrong shard of the vocabulary, is hardly seen; if that is right, set loadDump's option kind: 'known-ids'",
    ])
    const load = (row: readonly number[]) => loadDump(top3(row), { kind: 'known-ids' })
    const confirmed = compareDumps(load(dump), load(golden), { ...options, strict: true })
    expect(confirmed).toMatchObject({ pass: true, warnings: [] })
  })
})

test('the option kind refuses a dump of another kind', () => {
  const text = "holds known-ids, and the option kind says logits; set kind: 'known-ids', or leave it out"
  expectRefusal(() => loadDump(top20, { kind: 'logits' }), 'invalid-argument', text, top20)
  const whole = "holds log-probabilities, and the option kind says known-ids; set kind: 'log-probabilities'"
  expectRefusal(() => loadDump(all, { kind: 'known-ids' }), 'invalid-argument', whole, all)
  expect(loadDump(all, { kind: 'log-probabilities' }).kind).toBe('log-probabilities')
  expect(() => loadDump(all, { kind: 'top-k' as 'logits' })).toThrow(
    "kind must be 'logits', 'log-probabilities' or 'known-ids'",
  )
})
