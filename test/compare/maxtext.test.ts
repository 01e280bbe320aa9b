import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { compareDumps, loadDump } from '../../src/index.js'
import { writeTree } from '../build/tree.js'
import { expectRefusal } from '../formats/build/refusal.js'

const FOLDER = resolve('test/fixtures/maxtext')
const golden = join(FOLDER, 'golden.jsonl')
const maxtext = join(FOLDER, 'maxtext.jsonl')
const { klDivergence } = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as { klDivergence: number[][] }

function jsonl(name: string, ...lines: object[]): string {
  return join(writeTree({ [name]: Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')) }), name)
}

test('every position of every prompt has the KL divergence that NumPy computes', () => {
  const [a, b] = [maxtext, golden].map((file) => loadDump(file, { run: 'all' }))
  const { tokens, pass, counts } = compareDumps(a!, b!, { dtype: 'bf16' })
  expect({ pass, total: counts.total }).toEqual({ pass: true, total: 12 })
  for (const { run, position, metrics } of tokens) {
    expect(metrics!.klDivergence).toBeCloseTo(klDivergence[Number(run)]![position!]!, 12)
  }
})

test('a prompt is a run whose positions are compared; its tokens are kept', () => {
  const dump = loadDump(golden, { run: '1' })
  expect(dump).toMatchObject({ layout: 'maxtext', named: 'file', notes: [], rows: { positions: 'all' } })
  expect(dump.tokenIds).toEqual(new Map([['tokens', [1, 33, 2]]]))
  const { tokens } = compareDumps(loadDump(maxtext, { run: '1' }), dump, { dtype: 'bf16' })
  expect(tokens.map(({ step, position, verdict }) => [step, position, verdict])).toEqual([
    [0, 0, 'pass'],
    [0, 1, 'pass'],
    [0, 2, 'pass'],
  ])
  expect(tokens[0]!.golden).toMatchObject({ dtype: 'float32', shape: [1, 48] })
  expect(tokens[0]!.golden!.files).toEqual([golden])
})

test('golden logits of MaxText against a file of NumPy with the same tokens', () => {
  const numpy = loadDump(join(FOLDER, 'golden-0.npz'))
  const result = compareDumps(loadDump(golden, { run: '0' }), numpy, { dtype: 'fp32', identical: 'allow' })
  expect(result.pass).toBe(true)
  expect(result.tokens.map(({ metrics }) => metrics!.klDivergence)).toEqual([0, 0, 0, 0])
})

test('both sides of one file, as --run_hf_model writes them', () => {
  const file = join(FOLDER, 'on-the-fly.jsonl')
  const [mt, hf] = ['mt_logits', 'hf_logits'].map((tensor) => loadDump(file, { tensor }))
  const { tokens } = compareDumps(mt!, hf!, { dtype: 'bf16' })
  for (const [i, kl] of klDivergence[0]!.entries()) expect(tokens[i]!.metrics!.klDivergence).toBeCloseTo(kl, 12)
  expectRefusal(() => loadDump(file), 'bad-tensor', 'prompt 0: it holds mt_logits and hf_logits; choose one', file)
})

test('several prompts are refused with a list', () => {
  const text = "holds 3 prompts: 0, 1, 2; choose one with the option run: '0', or compare all with run: 'all'"
  expectRefusal(() => loadDump(golden), 'ambiguous-run', text, golden)
  expectRefusal(
    () => loadDump(golden, { run: '7' }),
    'invalid-argument',
    "the option run: '7' names none of them",
    golden,
  )
})

test('other tokens are an error, and the same tokens are not', () => {
  const point = {
    prompt: 'I',
    tokens: [1, 2],
    logits: [
      [1, 2, 3],
      [4, 5, 6.5],
    ],
  }
  const [a, same, other] = [
    jsonl('a.jsonl', point),
    jsonl('same.jsonl', {
      ...point,
      logits: [
        [1, 2, 3],
        [4, 5, 6.5009],
      ],
    }),
    jsonl('other.jsonl', { ...point, tokens: [1, 3] }),
  ]
  expect(compareDumps(same, a, { dtype: 'bf16' }).pass).toBe(true)
  const text = 'the two sides read different tokens: at position 1 of tokens the golden'
  expectRefusal(() => compareDumps(other, a, { dtype: 'bf16' }), 'nothing-to-compare', text, other)
})

test("positions: 'steps' makes each row a token of a forced run, and a number takes one", () => {
  const dump = loadDump(golden, { run: '2', positions: 'steps', firstStep: 3 })
  expect([...dump.steps].map(({ step, position }) => [step, position])).toEqual([
    [3, 0],
    [4, 1],
    [5, 2],
    [6, 3],
    [7, 4],
  ])
  const other = loadDump(maxtext, { run: '2', positions: 'steps', firstStep: 3 })
  expect(compareDumps(other, dump, { dtype: 'bf16' }).tokens.map(({ step }) => step)).toEqual([3, 4, 5, 6, 7])
  const [first, second] = [golden, maxtext].map((file) => loadDump(file, { run: '2', positions: 1 }))
  const { tokens } = compareDumps(second!, first!, { dtype: 'bf16' })
  expect(tokens.map(({ metrics }) => metrics!.klDivergence)).toEqual([expect.closeTo(klDivergence[2]![1]!, 12)])
})

test('options that mean nothing are refused', () => {
  for (const [option, value] of Object.entries({ sequence: 0, ranks: 0, layer: 'x', prefill: 0 })) {
    const text = `the option ${option} has no meaning for golden logits of MaxText; leave it out`
    expect(() => loadDump(golden, { [option]: value })).toThrow(text)
  }
})

test('one wrong logit is a failure, and NaN never passes', () => {
  const point = { prompt: 'I', tokens: [1], logits: [[1, 2, 3]] }
  const good = jsonl('good.jsonl', point)
  const wrong = compareDumps(jsonl('wrong.jsonl', { ...point, logits: [[1, 2, 5]] }), good, { dtype: 'bf16' })
  expect(wrong.tokens[0]).toMatchObject({ verdict: 'over-threshold' })
  const nan = join(
    writeTree({ 'nan.jsonl': Buffer.from('{"prompt": "I", "tokens": [1], "logits": [[1, NaN, 3]]}') }),
    'nan.jsonl',
  )
  expect(compareDumps(nan, good, { dtype: 'bf16' }).tokens[0]).toMatchObject({ verdict: 'non-finite' })
})
