import { expect, test } from '@jest/globals'
import { loadDump } from 'golden-logits'
import 'golden-logits/jest'

test('the good build passes', () => {
  expect(loadDump('../dumps/npu')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})

test('the degraded build fails', () => {
  expect(loadDump('../dumps/npu-degraded')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})
