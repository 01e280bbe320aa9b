test('passes from one build to the other', () => {
  expect('../dumps/npu').toMatchGoldenLogits('../dumps/npu', { dtype: 'fp32' })
})
