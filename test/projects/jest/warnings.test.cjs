require('golden-logits/jest')
const { expect, test } = require('@jest/globals')
const { dump, golden } = require('../dumps.cjs')

const { STRICT_TEST } = process.env
const WARM_UP = 'd_warmup_prefill_only'
const CLEAN = 'a_clean_f32_vs_f16'

test('clean', () => {
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16', steps: [0], strict: true })
})

test('warm-up', () => {
  expect(dump(WARM_UP)).toMatchGoldenLogits(golden(WARM_UP), { dtype: 'bf16', steps: [0, 1] })
})

test('warm-up again', () => {
  expect(dump(WARM_UP)).toMatchGoldenLogits(golden(WARM_UP), { dtype: 'bf16', steps: [2] })
})

test('confirmed', () => {
  expect(dump(WARM_UP, { prefill: 'last' })).toMatchGoldenLogits(golden(WARM_UP), {
    dtype: 'bf16',
    steps: [3],
    strict: true,
  })
})

test('same file', () => {
  expect(golden(CLEAN)).toMatchGoldenLogits(golden(CLEAN), {
    dtype: 'bf16',
    steps: [0],
    strict: STRICT_TEST !== undefined,
  })
})
