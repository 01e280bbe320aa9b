import 'golden-logits/vitest'
import { expect, test } from 'vitest'
import { dump, golden } from '../dumps.mjs'

let tries = 0

test('flaky', { retry: 4 }, () => {
  tries++
  expect(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { dtype: 'bf16', steps: [0] })
  const tree = tries < 3 ? 'b_token3_degraded' : 'a_clean_f32_vs_f16'
  expect(dump(tree)).toMatchGoldenLogits(golden(tree), { dtype: 'bf16', steps: [3] })
})

test('repeated', { repeats: 2 }, () => {
  expect(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { dtype: 'bf16', steps: [1] })
})
