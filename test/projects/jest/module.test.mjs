import 'golden-logits/jest'
import { expect, test } from '@jest/globals'
import { dump, golden } from '../dumps.mjs'

test('in an ES module', () => {
  expect(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { dtype: 'bf16', steps: [0] })
  expect(dump('b_token3_degraded')).not.toMatchGoldenLogits(golden('b_token3_degraded'), { dtype: 'bf16', steps: [3] })
})
