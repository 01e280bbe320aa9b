import 'golden-logits/vitest'
import { expect, test } from 'vitest'
import { dump } from '../dumps.mjs'

const { STRICT_TEST } = process.env

test('a snapshot of a dump with a warm-up', () => {
  expect(dump('d_warmup_prefill_only')).toMatchLogitsSnapshot({ dtype: 'bf16', strict: STRICT_TEST !== undefined })
})

test('a snapshot of a dump without warnings', () => {
  expect(dump('a_clean_f32_vs_f16')).toMatchLogitsSnapshot({ dtype: 'bf16', strict: true })
})
