// What every scenario checks. Stands in for the line `// shared` of its test file.

test('uses that are right', async () => {
  const golden = loadDump('golden')
  expect('dump').toMatchGoldenLogits('golden')
  expect(loadDump('dump')).toMatchGoldenLogits(golden)
  expect('dump').toMatchGoldenLogits(golden, { dtype: 'bf16', steps: { from: 0, to: 3 }, missing: 'allow', threads: 2 })
  expect('dump').toMatchGoldenLogits(golden, {
    dtype: 'torch.float16',
    thresholds: { klDivergence: 0.02 },
    steps: [0, 3],
  })
  expect('dump').not.toMatchGoldenLogits(golden)
  expect('dump').toMatchLogitsSnapshot()
  expect('dump').toMatchLogitsSnapshot({ fidelity: 'compact', k: 16, variant: ['npu', 'any'], dtype: 'fp32' })
  await expect(Promise.resolve('dump')).resolves.toMatchGoldenLogits(golden)
  await expect(Promise.resolve('dump')).resolves.not.toMatchLogitsSnapshot()
})

test('what they return', () => {
  const nothing: void = expect('dump').toMatchGoldenLogits('golden')
  const negated: void = expect('dump').not.toMatchLogitsSnapshot()
  const promise: Promise<void> = expect(Promise.resolve('dump')).resolves.toMatchGoldenLogits('golden')
  // @ts-expect-error TS2322
  const text: string = expect('dump').toMatchGoldenLogits('golden')
  // @ts-expect-error TS2322
  const awaited: Promise<void> = expect('dump').toMatchGoldenLogits('golden')
  // @ts-expect-error TS2322
  const number: Promise<number> = expect(Promise.resolve('dump')).resolves.toMatchLogitsSnapshot()
})

test('mistakes', () => {
  // @ts-expect-error TS2551 a matcher misspelt
  expect('dump').toMatchGoldenLogit('golden')
  // @ts-expect-error TS2554 no golden
  expect('dump').toMatchGoldenLogits()
  // @ts-expect-error TS2345 a golden of another type
  expect('dump').toMatchGoldenLogits(['golden'])
  // @ts-expect-error TS2561 an option misspelt
  expect('dump').toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2561 an option misspelt behind .not
  expect('dump').not.toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2561 an option misspelt behind .resolves
  expect(Promise.resolve('dump')).resolves.toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2322 a dtype that there is not
  expect('dump').toMatchGoldenLogits('golden', { dtype: 'bf8' })
  // @ts-expect-error TS2561 a threshold misspelt
  expect('dump').toMatchGoldenLogits('golden', { thresholds: { klDivergance: 0.02 } })
  // @ts-expect-error TS2322 a threshold of another type
  expect('dump').toMatchGoldenLogits('golden', { thresholds: { klDivergence: '0.02' } })
  // @ts-expect-error TS2353 an option of the other matcher
  expect('dump').toMatchGoldenLogits('golden', { fidelity: 'compact' })
  // @ts-expect-error TS2322 a fidelity that there is not
  expect('dump').toMatchLogitsSnapshot({ fidelity: 'half' })
  // @ts-expect-error TS2559 a golden where only options are taken
  expect('dump').toMatchLogitsSnapshot(3)
})

test('as an asymmetric matcher', () => {
  expect({ logits: 'dump' }).toEqual({ logits: expect.toMatchGoldenLogits('golden', { dtype: 'bf16' }) })
  // @ts-expect-error TS2561 an option misspelt
  expect({ logits: 'dump' }).toEqual({ logits: expect.toMatchGoldenLogits('golden', { dtpye: 'bf16' }) })
  // @ts-expect-error TS2554 no golden
  expect({ logits: 'dump' }).toEqual({ logits: expect.toMatchGoldenLogits() })
})
