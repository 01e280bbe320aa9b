import { describe, expect, test } from 'vitest'
import type { CompareOptions } from '../../../src/compare/options.js'
import { compareDumps, loadDump } from '../../../src/index.js'
import { failureText } from '../../../src/report/message/failure.js'
import { logits, type Tensor } from '../../build/logits.js'
import { atbDump, type Step, torchDump } from '../../build/pair.js'

const values = (seed: number) => logits(seed, 64)
const rows = (...seeds: number[]): Step[] => seeds.map((seed) => ({ values: values(seed) }))

function messageOf(
  golden: readonly Step[],
  dump: readonly Step[],
  options: CompareOptions = { dtype: 'bf16' },
): string {
  return failureText(compareDumps(atbDump(dump), torchDump(golden), options))
}

/** The logits of a build with a fault: other values, the same top-1. */
const faulty = (seed: number): Tensor => ({ values: values(seed).map((x) => 1.3 * x) })

describe('a shift is found in the top-1s', () => {
  const golden = rows(1, 2, 3, 4, 5, 6, 7)

  test.each<[string, number[], string]>([
    [
      'the dump is one step later',
      [9, 1, 2, 3, 4, 5, 6],
      'shifted by 1: dump token n + 1 has the top-1 of golden token n',
    ],
    ['the dump is two steps earlier', [3, 4, 5, 6, 7, 8, 9], 'shifted by -2: dump token n - 2 has the top-1 of golden'],
  ])('%s', (_, seeds, text) => {
    const message = messageOf(golden, seeds.map(faulty))
    expect(message).toContain(`The steps look ${text}`)
    expect(message).not.toMatch(/fault is in the model|compare all layers/)
  })

  test('the message names the option that moves the steps back', () => {
    const dump = atbDump(rows(9, 1, 2, 3, 4, 5, 6))
    const path = torchDump(golden)
    const message = failureText(compareDumps(dump, path, { dtype: 'bf16' }))
    expect(message).toContain('load the golden with the option firstStep: 1 and compare steps: { from: 1, to: 6 }')
    const moved = compareDumps(dump, loadDump(path, { firstStep: 1 }), { dtype: 'bf16', steps: { from: 1, to: 6 } })
    expect(moved).toMatchObject({
      pass: true,
      warnings: [expect.stringMatching(/^all 6 tokens have the same logits/)],
      counts: { passed: 6 },
    })
  })

  test('not in other texts, nor in a text that repeats itself', () => {
    expect(messageOf(golden, [11, 12, 13, 14, 15, 16, 17].map(faulty))).not.toContain('look shifted')
    const repeated = rows(1, 1, 1, 1, 1, 1)
    expect(messageOf(repeated, [9, 1, 1, 1, 1, 1].map(faulty))).not.toContain('look shifted')
  })
})

describe('swapped ranks', () => {
  const halves = (seed: number): [Tensor, Tensor] => [
    { values: values(seed).slice(0, 32) },
    { values: values(seed).slice(32) },
  ]
  const golden = rows(1, 2, 3, 4)

  test('are named, and no layer is blamed', () => {
    const message = messageOf(
      golden,
      [1, 2, 3, 4].map((seed) => [...halves(seed)].reverse()),
    )
    expect(message).toContain('The ranks look swapped: in all 4 tokens at hand')
    expect(message).not.toMatch(/fault is in the model|compare all layers/)
  })

  test('ranks in order with a fault are not', () => {
    const message = messageOf(golden, [halves(1), halves(2), halves(9), halves(4)])
    expect(message).toContain('the fault is in the model')
  })

  test('ranks in order pass', () => {
    expect(compareDumps(atbDump([halves(1), halves(2)]), torchDump(rows(1, 2)), { dtype: 'bf16' }).pass).toBe(true)
  })
})

describe('a permuted batch', () => {
  const batch = (first: number, second: number): Tensor => ({
    values: [...values(first), ...values(second)],
    shape: [2, 64],
  })
  const golden = torchDump([batch(1, 11), batch(2, 12), batch(3, 13), batch(4, 14)])
  const compare = (dump: Step[], sequence: number) =>
    compareDumps(loadDump(atbDump(dump), { sequence }), loadDump(golden, { sequence: 0 }), {
      dtype: 'bf16',
      decoding: 'forced',
    })

  test('names the sequence that matches, and no layer is blamed', () => {
    const dump = [batch(11, 1), batch(12, 2), batch(13, 3), batch(14, 4)]
    const comparison = compare(dump, 0)
    expect(comparison).toMatchObject({ pass: false, counts: { overThreshold: 4 } })
    const message = failureText(comparison)
    expect(message).toContain(
      'The batch looks permuted: with sequence 1 of the dump in place of 0, the first 3 tokens that are over agree with the golden. If both are the same prompt, load the dump with the option sequence: 1.',
    )
    expect(message).not.toMatch(/fault is in the model|compare all layers/)
    expect(compare(dump, 1)).toMatchObject({ pass: true, counts: { passed: 4 } })
  })

  test('is not seen in a batch that is wrong, nor in one that passes', () => {
    const wrong = compare([batch(1, 11), batch(2, 12), batch(9, 13), batch(4, 14)], 0)
    expect(wrong.otherSequence).toBeUndefined()
    expect(failureText(wrong)).toContain('the fault is in the model')
    expect(compare([batch(1, 11), batch(2, 12), batch(3, 13), batch(4, 14)], 0)).toMatchObject({ pass: true })
  })

  test('names the sequence of the golden if the dump holds only one', () => {
    const single = [11, 12, 13].map((seed) => ({ values: values(seed) }))
    const comparison = compareDumps(atbDump(single), loadDump(golden, { sequence: 0 }), {
      dtype: 'bf16',
      steps: { to: 2 },
    })
    expect(comparison.otherSequence).toEqual({ side: 'golden', chosen: 0, sequence: 1, tokens: 3 })
  })
})

describe('limits of a precision that the dtype cannot keep', () => {
  const half = (...seeds: number[]): Step[] =>
    seeds.map((seed) => ({ values: values(seed), dtype: 'bfloat16' as const }))

  test('are named before the model is blamed', () => {
    const message = messageOf(rows(1, 2, 3), half(1, 2, 3), { dtype: 'fp32' })
    expect(message).toContain(
      "The dump holds bfloat16 logits, held to the limits of fp32 (option dtype), which rounding to bfloat16 alone can exceed. This token is within the limits of bf16: set dtype: 'bf16'.",
    )
    expect(message).not.toContain('fault is in the model')
    expect(
      compareDumps(atbDump(half(1, 2, 3)), torchDump(rows(1, 2, 3)), { dtype: 'bf16', decoding: 'forced' }).pass,
    ).toBe(true)
  })

  test('a token over the limits of its dtype, too, is a fault', () => {
    const message = messageOf(rows(1, 2, 3), half(9, 2, 3), { dtype: 'fp32' })
    expect(message).toMatch(/This token is also over the limits of bf16: .* the fault is in the model/)
  })

  test('limits set by hand are meant', () => {
    const options: CompareOptions = { dtype: 'fp32', thresholds: { klDivergence: 1e-9 } }
    expect(messageOf(rows(1, 2, 3), half(1, 2, 3), options)).not.toContain('set dtype')
  })
})

describe('tokens that are evenly over', () => {
  const golden = rows(1, 2, 3, 4, 5)
  const scaled = (factor: number) => [1, 2, 3, 4, 5].map((seed) => ({ values: values(seed).map((x) => factor * x) }))

  test('suggest a measured noise floor', () => {
    const message = messageOf(golden, scaled(1.4))
    expect(message).toMatch(
      /All 5 tokens are over, none far more than the others \(KL divergence \S+ to \S+\), and top-1 agrees/,
    )
    expect(message).toContain('measure its noise floor on a good run and set the option thresholds')
  })

  test('not if one stands out, or one is within the limits', () => {
    expect(messageOf(golden, [...scaled(1.4).slice(0, 4), { values: values(9) }])).not.toContain('noise floor')
    expect(messageOf(golden, [...scaled(1.4).slice(0, 4), { values: values(5) }])).not.toContain('noise floor')
  })
})

test('log-probabilities on one side lower the cosine similarity, which is no fault of the model', () => {
  const normalised = (row: readonly number[]) => {
    const max = Math.max(...row)
    const logSum = max + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0))
    return row.map((logit) => logit - logSum)
  }
  const golden = rows(1, 2, 3)
  const dump = [1, 2, 3].map((seed): Step => ({ values: normalised(values(seed)) }))
  const text = 'holds log-probabilities and the'
  const message = messageOf(golden, dump)
  expect(message).toContain(`The dump ${text} golden logits: they differ by a constant`)
  expect(message).not.toContain('the fault is in the model')
  expect(messageOf(dump, golden)).toContain(`The golden ${text} dump logits`)
  // The neighbours: both sides alike pass, and another KL divergence is a fault.
  expect(messageOf(dump, dump)).not.toContain(text)
  const other = [1, 2, 3].map((seed): Step => ({ values: normalised(values(seed).map((x) => 1.3 * x)) }))
  expect(messageOf(golden, other)).not.toContain(text)
})
