test('passes in another worker', () => {
  expect('../dumps/npu').toMatchGoldenLogits('../dumps/gpu', { dtype: 'bf16' })
})
