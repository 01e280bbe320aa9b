import { loadDump } from 'golden-logits'

const golden = loadDump('../dumps/gpu')

for (const n of [1, 2, 3]) {
  test(`passes ${n}`, () => {
    expect('../dumps/npu').toMatchGoldenLogits(golden, { dtype: 'bf16' })
  })
}

test('dies within a comparison', () => {
  const dump = loadDump('../dumps/npu')
  const deadly = Object.defineProperty({ ...dump }, 'steps', {
    enumerable: true,
    get: () => process.kill(process.pid, 'SIGKILL') && dump.steps,
  })
  expect(deadly).toMatchGoldenLogits(golden, { dtype: 'bf16' })
})
