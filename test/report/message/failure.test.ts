import { describe, expect, test } from 'vitest'
import { compareDumps, type DumpStep, loadDump } from '../../../src/index.js'
import { failureText } from '../../../src/report/message/failure.js'
import { atb, logits } from '../../build/logits.js'
import { atbDump, type Step, torchDump } from '../../build/pair.js'
import { writeTree } from '../../build/tree.js'

const row = (seed: number): Step => ({ values: logits(seed) })

/** The message, but for the folder that the trees lie in, and the width it takes. */
function textOf(golden: readonly Step[], dump: readonly Step[], options = {}): string {
  const text = failureText(compareDumps(atbDump(dump), torchDump(golden), { dtype: 'bf16', ...options }))
  return text.replace(/\S*\/(?:msit_dump_20250301_101500|tree-\w+\/…)\//g, '…/').replace(/ {2,}float/g, '  float')
}

test('a top-1 that differs before the first token over threshold: two prefixes', () => {
  const [a, b] = [{ values: [3, 2.99, -5] }, { values: [2.99, 3, -5] }]
  expect(
    textOf([row(1), a, row(2), row(3)], [row(1), b, row(7), row(8)], { afterDivergence: 'gate' }),
  ).toMatchInlineSnapshot(`
    "First token over threshold: token 2     (4 tokens compared, 2 over, 0 missing)

      cosine similarity   -0.0736287  must be > 0.999
      KL divergence       7.6045      must be < 0.005 (bf16)
      top-1               golden 4 (7.982) → dump 0 (7.906)   flipped; gaps 9.494 + 7.661 = 17.16 (549 ULP of bf16), not a near-tie: rounding explains 0.0625
      KL by token         ▁▁██
      golden  …/torch_tensors/cuda0_1/2/root.lm_head/output.pth  float32 [1, 8]
      dump    …/tensors/0_2/2/33_LmHead/after/outtensor0.bin  float32 [1, 8]

    Top-1 already differs at token 1 (golden 0, dump 1), a near-tie, so from token 2 on the two runs may have read different prefixes: later KL says little about the model. Look at token 1 first, or feed both runs the same tokens and set decoding: 'forced'.

      over-threshold  tokens 2 and 3"
  `)
})

test('tokens that could not be compared before it: the prefix is not known', () => {
  expect(textOf([row(1), row(2), row(3), row(4)], [row(1), 'no tensor', row(3), row(9)])).toMatchInlineSnapshot(`
    "First failing token: token 1, unreadable     (3 tokens compared, 1 over, 0 missing, 1 unreadable)

      …/tensors/0_2/1/33_LmHead/after/outtensor0.bin: is of an unknown format, expected one of: a NumPy archive (.npz), a file of torch.save (.pth, .pt), a NumPy array (.npy), a safetensors file, an ATB dump (.bin), an ONNX tensor (.pb); if it holds raw numbers without a header (np.memmap, tofile), save them by numpy.save
      golden  …/torch_tensors/cuda0_1/1/root.lm_head/output.pth  float32 [1, 8]
      dump    …/tensors/0_2/1/33_LmHead/after/outtensor0.bin

    First token over threshold: token 3

      cosine similarity   -0.109295   must be > 0.999
      KL divergence       7.7266      must be < 0.005 (bf16)
      top-1               golden 6 (7.89) → dump 2 (7.975)   flipped; gaps 7.546 + 9.585 = 17.13 (548.2 ULP of bf16), not a near-tie: rounding explains 0.0625
      KL by token         ▁·▁█
      golden  …/torch_tensors/cuda0_1/3/root.lm_head/output.pth  float32 [1, 8]
      dump    …/tensors/0_2/3/33_LmHead/after/outtensor0.bin  float32 [1, 8]

    Token 1 was not compared, so whether both runs saw the same prefix is not known; no token compared before token 3 differs in top-1. Next: compare all layers at token 3."
  `)
})

test('the first token of all', () => {
  expect(textOf([row(1), row(2)], [row(5), row(2)])).toMatchInlineSnapshot(`
    "First token over threshold: token 0     (2 tokens compared, 1 over, 0 missing)

      cosine similarity   0.31171     must be > 0.999
      KL divergence       8.34187     must be < 0.005 (bf16)
      top-1               golden 7 (-0.4875) → dump 0 (7.168)   flipped; gaps 0.4433 + 14.85 = 15.29 (489.4 ULP of bf16), not a near-tie: rounding explains 0.0625
      KL by token         █▁
      golden  …/torch_tensors/cuda0_1/0/root.lm_head/output.pth  float32 [1, 8]
      dump    …/tensors/0_2/0/33_LmHead/after/outtensor0.bin  float32 [1, 8]

    Token 0 follows from the prompt alone: if both runs were given the same prompt, the fault is in the model. Next: compare all layers at token 0."
  `)
})

test('every other kind of failing token', () => {
  const golden = [row(1), row(2), row(3), row(4), row(5), null]
  const dump = [
    row(1),
    null,
    { values: logits(3, 9) },
    { values: [Number.NaN, ...logits(4).slice(1)] },
    'no tensor',
    row(6),
  ]
  expect(textOf(golden, dump)).toMatchInlineSnapshot(`
    "First failing token: token 1, missing     (1 token compared, 0 over, 1 missing, 1 extra, 2 without a result, 1 unreadable)

      the golden holds token 1, the dump does not
      golden  …/torch_tensors/cuda0_1/1/root.lm_head/output.pth

      missing         token 1
      shape-mismatch  token 2
      non-finite      token 3
      unreadable      token 4
      extra           token 5

      note: the steps do not line up, and the steps of the dump are assumed (its first is taken for token 0); if that is right, set loadDump's option firstStep: 0; if it is wrong, the right number
      note: the one token has the same logits on both sides, bit for bit: one dump may be a copy of the other; if that is right, set identical: 'allow'"
  `)
})

test('a suppressed id on one side', () => {
  const [all, some] = [{ values: [1, 2, 3, 4] }, { values: [1, 2, Number.NEGATIVE_INFINITY, 4] }]
  expect(textOf([all], [some])).toMatchInlineSnapshot(`
    "First token over threshold: token 0     (1 token compared, 1 over, 0 missing)

      cosine similarity   1           must be > 0.999
      KL divergence       Infinity    must be < 0.005 (bf16)
      top-1               3 on both sides (golden 4, dump 4)
      -Inf                1 in the dump only; first at vocab id 2
      KL by token         █
      golden  …/torch_tensors/cuda0_1/0/root.lm_head/output.pth  float32 [1, 4]
      dump    …/tensors/0_2/0/33_LmHead/after/outtensor0.bin  float32 [1, 4]

    Token 0 follows from the prompt alone: if both runs were given the same prompt, the fault is in the model. Next: compare all layers at token 0."
  `)
})

test('several ranks, and positions', () => {
  const golden = { values: [...logits(8), ...logits(1)], shape: [1, 2, 8] }
  const ranks = [{ values: logits(2).slice(0, 4) }, { values: logits(2).slice(4) }]
  expect(textOf([golden], [ranks])).toMatchInlineSnapshot(`
    "First token over threshold: token 0     (1 token compared, 1 over, 0 missing)

      cosine similarity   -0.946295   must be > 0.999
      KL divergence       6.60021     must be < 0.005 (bf16)
      top-1               golden 7 (-0.4875) → dump 4 (7.982)   flipped; gaps 7.284 + 5.105 = 12.39 (396.5 ULP of bf16), not a near-tie: rounding explains 0.0625
      KL by token         █
      golden  …/torch_tensors/cuda0_1/0/root.lm_head/output.pth  float32 [1, 8] of [1, 2, 8]
      dump    …/tensors/0_2/0/33_LmHead/after/outtensor0.bin and 1 more rank  float32 [1, 8] of [1, 4]

    Token 0 follows from the prompt alone: if both runs were given the same prompt, the fault is in the model. Next: compare all layers at token 0.

      note: token 0: golden: only the last of several positions compared"
  `)
})

test('nothing compared', () => {
  const text = textOf([row(1), null], [null, row(1)], { missing: 'allow', extra: 'allow' })
  expect(text).toMatchInlineSnapshot(`
    "No token was compared     (0 tokens compared, 0 over, 1 missing, 1 extra)

      note: the steps do not line up, and the steps of the dump are assumed (its first is taken for token 1); if that is right, set loadDump's option firstStep: 1; if it is wrong, the right number
      note: token 0 is missing, excused by missing: 'allow'; if that is right, leave out these tokens by the option steps
      note: token 1 is extra, excused by extra: 'allow'; if that is right, leave out these tokens by the option steps"
  `)
})

describe('is small for every failure', () => {
  test('10,000 tokens over, unreadable, missing and extra', () => {
    const [good, bad] = [loadDump(torchDump([row(1)])), loadDump(atbDump([row(2), row(1), 'no tensor']))]
    const many = (dump: typeof good, steps: (i: number) => DumpStep | undefined) => ({
      ...dump,
      steps: Array.from({ length: 10_000 }, (_, i) => {
        const step = steps(i)
        return step ? [{ ...step, step: i }] : []
      }).flat(),
    })
    const golden = many(good, (i) => (i % 7 === 0 ? undefined : good.steps.at(0)))
    const dump = many(bad, (i) => (i % 5 === 0 ? undefined : bad.steps.at(i % 3)))
    const comparison = compareDumps(dump, golden, { dtype: 'bf16' })
    const { counts } = comparison
    expect(
      Object.values(counts).every(
        (count, i) => count > 0 || ['notComparable', 'failed'].includes(Object.keys(counts)[i]!),
      ),
    ).toBe(true)
    const lines = failureText(comparison).split('\n')
    expect(lines.length).toBeLessThan(40)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(600)
    expect(lines.find((line) => line.startsWith('  KL by token'))).toMatch(
      / [▁▂▃▅▆▇█·]{50,60} {2}\(\d+ tokens a mark, the worst of them\)$/,
    )
  })

  test('wild names of layers and folders, and many notes', () => {
    const wild = `67_Lm\u001b[31mHead\n\u202e${'x'.repeat(150)}`
    const files: Record<string, Uint8Array> = {}
    for (let i = 0; i < 20; i++)
      files[`0_1/${i}/${wild}/after/outtensor0.bin`] = atb(row(i + 50) as { values: number[] })
    for (let i = 0; i < 30; i++) files[`0_1/stray\n${i}`] = new Uint8Array(0)
    const dump = loadDump(writeTree(files))
    const comparison = compareDumps(dump, torchDump([row(1), row(2)]), { dtype: 'bf16' })
    expect(comparison.notes[0]).toContain("set loadDump's option firstStep")
    const text = failureText(comparison)
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    expect(text.split('\n').length).toBeLessThan(40)
    expect(text).toContain('note: dump: 30 paths ignored: not an execution folder')
  })

  test('a million tokens', () => {
    const comparison = compareDumps(atbDump([row(2)]), torchDump([row(1)]), { dtype: 'bf16' })
    const tokens = Array.from({ length: 1_000_000 }, (_, step) => ({ ...comparison.tokens[0]!, step: 2 * step }))
    const text = failureText({ ...comparison, tokens, firstFailure: tokens[0]! })
    expect(text.split('\n').length).toBeLessThan(40)
    expect(text).toContain('over-threshold  tokens 0, 2, 4, 6, 8 … (1000000 in all)')
  })
})
