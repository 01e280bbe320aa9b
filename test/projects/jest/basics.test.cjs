require('golden-logits/jest')
const { describe, expect, test } = require('@jest/globals')
const { dump, golden } = require('../dumps.cjs')

const CLEAN = 'a_clean_f32_vs_f16'
const BAD = 'b_token3_degraded'

test('passes', () => {
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16' })
})

test('fails', () => {
  expect(dump(BAD)).toMatchGoldenLogits(golden(BAD), { dtype: 'bf16' })
})

describe('=1+1, "quoted"', () => {
  test('two comparisons', () => {
    expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16', steps: [0, 1] })
    expect(dump(BAD)).not.toMatchGoldenLogits(golden(BAD), { dtype: 'bf16', steps: [3] })
  })
})

test('same name', () => {
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16', steps: [5] })
})

describe('same', () => {
  test('name', () => {
    expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16', steps: [6] })
  })
})

test('misuse', () => {
  expect('dumps/nowhere').toMatchGoldenLogits(golden(CLEAN))
})
