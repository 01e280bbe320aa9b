// The tests of every scenario: they replace the line `// shared` of its test file.

test('correct uses', async () => {
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

test('return types', () => {
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
  // @ts-expect-error TS2551 a misspelt matcher
  expect('dump').toMatchGoldenLogit('golden')
  // @ts-expect-error TS2554 no golden
  expect('dump').toMatchGoldenLogits()
  // @ts-expect-error TS2345 a golden of the wrong type
  expect('dump').toMatchGoldenLogits(['golden'])
  // @ts-expect-error TS2561 a misspelt option
  expect('dump').toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2561 a misspelt option after .not
  expect('dump').not.toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2561 a misspelt option after .resolves
  expect(Promise.resolve('dump')).resolves.toMatchGoldenLogits('golden', { dtpye: 'bf16' })
  // @ts-expect-error TS2322 an unknown dtype
  expect('dump').toMatchGoldenLogits('golden', { dtype: 'bf8' })
  // @ts-expect-error TS2561 a misspelt threshold
  expect('dump').toMatchGoldenLogits('golden', { thresholds: { klDivergance: 0.02 } })
  // @ts-expect-error TS2322 a threshold of the wrong type
  expect('dump').toMatchGoldenLogits('golden', { thresholds: { klDivergence: '0.02' } })
  // @ts-expect-error TS2353 an option of the other matcher
  expect('dump').toMatchGoldenLogits('golden', { fidelity: 'compact' })
  // @ts-expect-error TS2322 an unknown fidelity
  expect('dump').toMatchLogitsSnapshot({ fidelity: 'half' })
  // @ts-expect-error TS2559 a golden, but the matcher takes only options
  expect('dump').toMatchLogitsSnapshot(3)
})

test('as an asymmetric matcher', () => {
  expect({ logits: 'dump' }).toEqual({ logits: expect.toMatchGoldenLogits('golden', { dtype: 'bf16' }) })
  // @ts-expect-error TS2561 a misspelt option
  expect({ logits: 'dump' }).toEqual({ logits: expect.toMatchGoldenLogits('golden', { dtpye: 'bf16' }) })
  // @ts-expect-error TS2554 no golden
  expect({ logits: 'dump' }).toEqual({ logits: expect.toMatchGoldenLogits() })
})
