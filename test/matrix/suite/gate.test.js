import { loadDump } from 'golden-logits'

const golden = loadDump('../dumps/gpu')

describe('the good build', () => {
  test('passes', () => {
    expect(loadDump('../dumps/npu')).toMatchGoldenLogits(golden, { dtype: 'bf16' })
  })

  test('fails limits that are too strict', () => {
    expect('../dumps/npu').toMatchGoldenLogits('../dumps/gpu', { thresholds: { klDivergence: 1e-12 }, dtype: 'bf16' })
  })

  test.each([0, 5, 11])('passes at token %i', (step) => {
    expect('../dumps/npu').toMatchGoldenLogits(golden, { dtype: 'bf16', steps: [step] })
  })

  test('passes as a promise', async () => {
    await expect(Promise.resolve('../dumps/npu')).resolves.toMatchGoldenLogits(golden, { dtype: 'bf16', steps: [1, 2] })
  })
})

describe('the degraded build', () => {
  test('fails', () => {
    expect(loadDump('../dumps/npu-degraded')).toMatchGoldenLogits(golden, { dtype: 'bf16' })
  })

  test('passes behind .not, "quoted", =1+1', () => {
    expect('../dumps/npu-degraded').not.toMatchGoldenLogits(golden, { dtype: 'bf16' })
    expect('../dumps/npu-degraded').toMatchGoldenLogits(golden, { dtype: 'bf16', steps: { from: 4 } })
  })

  describe('compared on four threads', () => {
    test('fails', () => {
      expect('../dumps/npu-degraded').toMatchGoldenLogits(golden, { dtype: 'fp32', threads: 4 })
    })
  })
})
