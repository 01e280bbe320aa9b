import { loadDump } from 'golden-logits'

const golden = loadDump('../dumps/gpu')
const soon = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

for (const [step, wait] of [
  [0, 30],
  [1, 10],
  [2, 20],
]) {
  test.concurrent(`passes at token ${step} beside others`, async () => {
    await soon(wait)
    expect('../dumps/npu').toMatchGoldenLogits(golden, { dtype: 'bf16', steps: [step] })
  })
}

test.concurrent('fails beside others', async () => {
  await soon(15)
  expect('../dumps/npu-degraded').toMatchGoldenLogits(golden, { dtype: 'bf16', steps: [3] })
})
