import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { dump, golden } from '../dumps.mjs'

// The matchers are registered during the test, so the package's hook does not know which test is running.
for (const n of [0, 1, 2]) {
  test.concurrent(`token ${n}`, async () => {
    await import('golden-logits/vitest')
    await setTimeout(10 * (3 - n))
    expect(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { dtype: 'bf16', steps: [n] })
  })
}
