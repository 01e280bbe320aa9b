import { compareDumps, loadDump } from 'golden-logits'

test('fails where there is no dump', () => {
  expect('../dumps/nowhere').toMatchGoldenLogits('../dumps/gpu')
})

test('fails where an option is misspelt, behind .not too', () => {
  expect('../dumps/npu-degraded').not.toMatchGoldenLogits('../dumps/gpu', { dtpye: 'bf16' })
})

test('fails where tokens are missing', () => {
  const golden = loadDump('../dumps/gpu')
  const dump = loadDump('../dumps/npu')
  expect({ ...dump, steps: [...dump.steps].slice(0, 10) }).toMatchGoldenLogits(golden, { dtype: 'bf16' })
})

test('passes where nothing is reported', () => {
  expect(compareDumps('../dumps/npu', '../dumps/gpu').counts.total).toBe(12)
})
