// The tests of every quick check: they replace the line `// quick` of its file.

const golden = loadDump('golden')
const dump = loadDump('dump')

test('correct uses', async () => {
  const nothing: void = expect(dump).toMatchGoldenLogits(golden, { dtype: 'bf16' })
  expect('dump').toMatchGoldenLogits('golden', { thresholds: { klDivergence: 0.02 }, steps: { from: 1 } })
  expect(dump).not.toMatchGoldenLogits(golden)
  const promise: Promise<void> = expect(Promise.resolve(dump)).resolves.toMatchGoldenLogits(golden)
  expect(dump).toMatchLogitsSnapshot()
  await promise
  void nothing
})

test('mistakes', () => {
  // @ts-expect-error a misspelt option
  expect(dump).toMatchGoldenLogits(golden, { dtyp: 'bf16' })
  // @ts-expect-error an unknown precision
  expect(dump).toMatchGoldenLogits(golden, { dtype: 'bf61' })
  // @ts-expect-error a misspelt threshold
  expect(dump).toMatchGoldenLogits(golden, { thresholds: { klDivergance: 1 } })
  // @ts-expect-error no golden
  expect(dump).toMatchGoldenLogits()
  // @ts-expect-error a golden of the wrong type
  expect(dump).toMatchGoldenLogits(42)
  // @ts-expect-error a misspelt matcher
  expect(dump).toMatchGoldenLogit(golden)
  // @ts-expect-error the matcher returns nothing
  const text: string = expect(dump).toMatchGoldenLogits(golden)
  // @ts-expect-error after .resolves the matcher returns a promise
  const nothing: undefined = expect(Promise.resolve(dump)).resolves.toMatchGoldenLogits(golden)
  // @ts-expect-error a misspelt option of snapshots
  expect(dump).toMatchLogitsSnapshot({ fidelty: 'full' })
  void [text, nothing]
})
