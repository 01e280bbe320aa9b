const { test } = require('node:test')
const { expect } = require('expect')
const { loadDump } = require('golden-logits')
const { matchers } = require('golden-logits/matchers')

expect.extend(matchers)

test('the good build passes', () => {
  expect(loadDump('../dumps/npu')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})

test('the degraded build fails', () => {
  expect(loadDump('../dumps/npu-degraded')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})
