const { setTimeout } = require('node:timers/promises')
require('golden-logits/jest')
const { expect, test } = require('@jest/globals')
const { dump, golden } = require('../dumps.cjs')

for (const n of [0, 1, 2, 3]) {
  test.concurrent(`token ${n}`, async () => {
    await setTimeout(10 * (4 - n))
    expect(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { dtype: 'bf16', steps: [n] })
    await setTimeout(20)
    expect(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { dtype: 'bf16', steps: [n] })
  })
}
