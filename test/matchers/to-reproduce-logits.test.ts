import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GoldenLogitsError } from '../../src/index.js'
import type { MatcherContext } from '../../src/matchers/types.js'
import { type ReproduceOptions, toReproduceLogits } from '../../src/matchers.js'
import { logits, pth } from '../build/logits.js'
import { atbDump, torchDump } from '../build/pair.js'
import { writeTree } from '../build/tree.js'

function call(dump: string, other: string, options?: object, isNot = false) {
  return toReproduceLogits.call({ isNot } as MatcherContext, dump, other, options as ReproduceOptions)
}

const rows = [1, 2, 3].map((seed) => ({ values: logits(seed) }))
const other = torchDump(rows)

function changed(id: number, value: (before: number) => number) {
  return rows.map(({ values }, step) => ({ values: step === 1 ? values.with(id, value(values[id]!)) : values }))
}

describe('two runs of one build', () => {
  test('with equal bits pass, and the message of .not says so', () => {
    const result = call(torchDump(rows), other)
    expect(result.pass).toBe(true)
    expect(result.message()).toBe(
      'expect(dump).toReproduceLogits(other)\n\nAll 3 tokens have the same bits in both runs.',
    )
  })

  test('fail at one differing bit: first token, count, distance, values', () => {
    const dump = torchDump(changed(2, () => 4 + 2 ** -21))
    const other = torchDump(changed(2, () => 4))
    const result = call(dump, other)
    expect(result.pass).toBe(false)
    const text = result.message()
    expect(text).toContain('First token that differs: token 1     (3 tokens, 2 identical, 1 different)')
    expect(text).toContain(
      '  1 of 8 logits differs, by at most 1 ULP; first at vocab id 2: 4 in the other run, 4.00000048 in the dump',
    )
    expect(text).toContain('The tokens before it are equal bit by bit.')
    expect(text.split('\n').length).toBeLessThan(40)
  })

  test('fail where only the sign of a zero differs, and say that it is no more', () => {
    const zeros = (zero: number) => torchDump([{ values: logits(1).with(3, zero) }])
    expect(call(zeros(0), zeros(0)).pass).toBe(true)
    const text = call(zeros(0), zeros(-0)).message()
    expect(text).toContain(
      '1 of 8 logits differs only in their signs of zero; first at vocab id 3: -0 in the other run, 0 in the dump',
    )
  })

  test('fail where one lacks a token, and where a file cannot be read', () => {
    expect(call(torchDump(rows.slice(0, 2)), other).message()).toContain(
      'First token that is missing: token 2     (3 tokens, 2 identical, 0 different, 1 missing)',
    )
    expect(call(torchDump([rows[0]!, 'no tensor', rows[2]!]), other).message()).toContain(
      'First token that is unreadable: token 1     (3 tokens, 2 identical, 0 different, 1 not comparable)',
    )
    expect(call(torchDump(rows.slice(0, 2)), other, { steps: [0, 1] }).pass).toBe(true)
  })

  test('another dtype or width is no reproduction', () => {
    const half = torchDump(rows.map(({ values }) => ({ values, dtype: 'float16' as const })))
    expect(call(half, other).message()).toContain('the other run has float32, 8 columns, the dump float16, 8 columns')
  })

  test('compare every rank, in any layout', () => {
    const ranks = (last: number) => atbDump([[{ values: logits(1) }, { values: logits(2).with(7, last) }]])
    expect(call(ranks(1), ranks(1)).pass).toBe(true)
    expect(call(ranks(1), ranks(2)).message()).toContain(
      '1 of 16 logits differs, by at most 8388608 ULP; first at vocab id 7 of rank 1: 2 in the other run, 1 in the dump',
    )
  })

  test('count differences and the largest distance over all ranks', () => {
    const ranks = (a: number, b: number) =>
      atbDump([[{ values: logits(1).with(2, a) }, { values: logits(2).with(7, b) }]])
    expect(call(ranks(4 + 2 ** -21, 1), ranks(4, 2)).message()).toContain(
      '2 of 16 logits differ, by at most 8388608 ULP; first at vocab id 2 of rank 0: 4 in the other run, 4.00000048 in the dump',
    )
    expect(call(ranks(0, -0), ranks(-0, 0)).message()).toContain(
      '2 of 16 logits differ only in their signs of zero; first',
    )
    expect(call(ranks(0, 1), ranks(-0, 2)).message()).toContain('2 of 16 logits differ, by at most 8388608 ULP; first')
  })

  test('say which paths were left out', () => {
    const folder = 'run/torch_tensors/cuda0_1'
    const tree = () =>
      writeTree({ [`${folder}/0/root.lm_head/output.pth`]: pth({ values: logits(1) }), [`${folder}/old/x.pth`]: 'x' })
    const { pass, message } = call(join(tree(), 'run'), join(tree(), 'run'))
    expect(pass).toBe(true)
    expect(message()).toMatch(/note: golden: 1 path ignored: .*\n.*note: dump: 1 path ignored: /)
  })

  test('are named by folders, patterns or single files', () => {
    const dump = torchDump(rows)
    const file = (root: string, step: string) => join(root, `torch_tensors/cuda0_1/${step}/root.lm_head/output.pth`)
    expect(call(file(dump, '0'), file(other, '0')).pass).toBe(true)
    expect(call(file(dump, '0'), file(other, '1')).pass).toBe(false)
    const pattern = (root: string) => join(dirname(root), '*/torch_tensors/cuda0_1/0/*/output.pth')
    expect(call(pattern(dump), pattern(other)).pass).toBe(true)
  })
})

describe('.not', () => {
  test('passes where the bits differ', () => {
    expect(call(torchDump(changed(0, (value) => value + 1)), other, {}, true).pass).toBe(false)
  })

  test('is an error where nothing that differs was read', () => {
    const run = () => call(torchDump([rows[0]!, 'no tensor', rows[2]!]), other, {}, true)
    expect(run).toThrow(GoldenLogitsError)
    expect(run).toThrow('.not.toReproduceLogits needs logits that were read and differ, but the result is 3 tokens')
  })
})

test('limits are refused', () => {
  expect(() => call(other, other, { dtype: 'bf16' })).toThrow("there is no option 'dtype'; there are steps")
})
