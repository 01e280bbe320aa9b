import { setTimeout } from 'node:timers/promises'
import 'golden-logits/vitest'
import { expect as globalExpect, test } from 'vitest'
import { dump, golden } from '../dumps.mjs'

// Test n compares token n, so that each row shows which test it belongs to. All tests run at the same time.
for (const n of [0, 1, 2, 3, 4, 5]) {
  test.concurrent(`token ${n}`, async ({ expect }) => {
    const chosen = n % 2 === 0 ? expect : globalExpect
    await setTimeout(10 * (6 - n))
    chosen(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { dtype: 'bf16', steps: [n] })
    await setTimeout(20)
    chosen(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { dtype: 'bf16', steps: [n] })
  })
}
