require('golden-logits/jest')
const { loadDump } = require('golden-logits')

test('the NPU build matches the GPU golden', () => {
  const golden = loadDump('../dumps/gpu/msit_dump_*/torch_tensors/cuda0_*')
  const dump = loadDump('../dumps/npu/msit_dump_*/tensors/0_*')
  expect(dump).toMatchGoldenLogits(golden, { dtype: 'bf16' })
})
