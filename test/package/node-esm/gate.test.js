import { test } from 'node:test'
import { expect } from 'expect'
import { loadDump } from 'golden-logits'
import { matchers } from 'golden-logits/matchers'

expect.extend(matchers)

test('the good build passes', () => {
  expect(loadDump('../dumps/npu')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})

test('the degraded build fails', () => {
  expect(loadDump('../dumps/npu-degraded')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})
