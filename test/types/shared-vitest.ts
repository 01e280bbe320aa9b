// What every scenario of Vitest checks. Stands in for the line `// shared-vitest` of its test file.

test('what Vitest adds', async ({ expect: own }) => {
  own('dump').toMatchGoldenLogits('golden', { dtype: 'bf16' })
  expect.soft('dump').toMatchGoldenLogits('golden')
  const soft: void = expect.soft('dump').not.toMatchLogitsSnapshot()
  await expect.poll(() => 'dump').toMatchGoldenLogits('golden')
  // @ts-expect-error TS2561 an option misspelt behind expect.soft
  expect.soft('dump').toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2561 an option misspelt behind the expect of a test
  own('dump').toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2322
  const number: number = expect.soft('dump').toMatchGoldenLogits('golden')
})
