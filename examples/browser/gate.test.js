import { logitsOf } from 'golden-logits/browser'
import { InferenceSession, Tensor } from 'onnxruntime-web/wasm'
import { expect, test } from 'vitest'

async function logits(model, ids = [17, 3, 99, 200, 5, 17]) {
  const tensor = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
  const session = await InferenceSession.create(`/tiny/onnx/${model}.onnx`)
  const output = await session.run({ input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)) })
  return logitsOf(output.logits, { positions: 'steps' })
}

test('float16 weights keep the logits', async () => {
  const golden = await logits('model')
  expect(await logits('model_fp16')).toMatchGoldenLogits(golden, { dtype: 'fp16', decoding: 'forced' })
})

test('int8 weights do not', async () => {
  const golden = await logits('model')
  expect(await logits('model_int8')).not.toMatchGoldenLogits(golden, { dtype: 'fp16', decoding: 'forced' })
})
