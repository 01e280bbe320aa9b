const { loadDump } = require('golden-logits')

test('the good build passes', () => {
  expect(loadDump('../dumps/npu')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})

test('the degraded build fails', () => {
  expect(loadDump('../dumps/npu-degraded')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})

test('the environment is jsdom', () => {
  expect(document.body.tagName).toBe('BODY')
})
