// What each of the quick checks holds. Stands in for the line `// quick` of its file.

const golden = loadDump('golden')
const dump = loadDump('dump')

test('what is right', async () => {
  const nothing: void = expect(dump).toMatchGoldenLogits(golden, { dtype: 'bf16' })
  expect('dump').toMatchGoldenLogits('golden', { thresholds: { klDivergence: 0.02 }, steps: { from: 1 } })
  expect(dump).not.toMatchGoldenLogits(golden)
  const promise: Promise<void> = expect(Promise.resolve(dump)).resolves.toMatchGoldenLogits(golden)
  expect(dump).toMatchLogitsSnapshot()
  await promise
  void nothing
})

test('what is wrong', () => {
  // @ts-expect-error an option that is misspelt
  expect(dump).toMatchGoldenLogits(golden, { dtyp: 'bf16' })
  // @ts-expect-error a precision that there is not
  expect(dump).toMatchGoldenLogits(golden, { dtype: 'bf61' })
  // @ts-expect-error a threshold that is misspelt
  expect(dump).toMatchGoldenLogits(golden, { thresholds: { klDivergance: 1 } })
  // @ts-expect-error no golden
  expect(dump).toMatchGoldenLogits()
  // @ts-expect-error a golden of the wrong type
  expect(dump).toMatchGoldenLogits(42)
  // @ts-expect-error a matcher that is misspelt
  expect(dump).toMatchGoldenLogit(golden)
  // @ts-expect-error it returns nothing
  const text: string = expect(dump).toMatchGoldenLogits(golden)
  // @ts-expect-error behind .resolves it returns a promise
  const nothing: undefined = expect(Promise.resolve(dump)).resolves.toMatchGoldenLogits(golden)
  // @ts-expect-error an option of snapshots that is misspelt
  expect(dump).toMatchLogitsSnapshot({ fidelty: 'full' })
  void [text, nothing]
})
