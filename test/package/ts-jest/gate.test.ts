import { loadDump } from 'golden-logits'
import 'golden-logits/jest'

test('the good build passes', () => {
  expect(loadDump('../dumps/npu')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})

test('the degraded build fails', () => {
  expect(loadDump('../dumps/npu-degraded')).toMatchGoldenLogits(loadDump('../dumps/gpu'), { dtype: 'bf16' })
})

test('a mistake is an error of the compiler', () => {
  // @ts-expect-error there is no option dtpye
  const call = () => expect('../dumps/npu').toMatchGoldenLogits('../dumps/gpu', { dtpye: 'bf16' })
  expect(call).toBeInstanceOf(Function)
})
