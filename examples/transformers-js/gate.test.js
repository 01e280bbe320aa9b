import 'golden-logits/vitest'
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers'
import { logitsOf } from 'golden-logits'
import { expect, test } from 'vitest'

env.allowRemoteModels = false
env.localModelPath = '../models'

async function logits(dtype, ids = [17, 3, 99, 200, 5, 17]) {
  const model = await AutoModelForCausalLM.from_pretrained('tiny', { dtype })
  const tensor = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
  const output = await model({ input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)) })
  return logitsOf(output.logits, { positions: 'steps' })
}

test('the model gives the logits that the repository keeps', async () => {
  expect(await logits('fp32')).toMatchLogitsSnapshot({ dtype: 'fp32' })
})

test('float16 weights keep the logits', async () => {
  const golden = await logits('fp32')
  expect(await logits('fp16')).toMatchGoldenLogits(golden, { dtype: 'fp16', decoding: 'forced' })
})

test('int8 weights do not', async () => {
  const golden = await logits('fp32')
  expect(await logits('int8')).not.toMatchGoldenLogits(golden, { dtype: 'fp16', decoding: 'forced' })
})
