// The tests of every Vitest scenario: they replace the line `// shared-vitest` of its test file.

test('what Vitest adds', async ({ expect: local }) => {
  local('dump').toMatchGoldenLogits('golden', { dtype: 'bf16' })
  expect.soft('dump').toMatchGoldenLogits('golden')
  const soft: void = expect.soft('dump').not.toMatchLogitsSnapshot()
  await expect.poll(() => 'dump').toMatchGoldenLogits('golden')
  // @ts-expect-error TS2561 a misspelt option after expect.soft
  expect.soft('dump').toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2561 a misspelt option after the expect of a test
  local('dump').toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2322
  const number: number = expect.soft('dump').toMatchGoldenLogits('golden')
})
