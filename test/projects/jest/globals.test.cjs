require('golden-logits/jest')
const { dump, golden } = require('../dumps.cjs')

test('the global expect', () => {
  expect(dump('a_clean_f32_vs_f16')).toMatchGoldenLogits(golden('a_clean_f32_vs_f16'), { dtype: 'bf16', steps: [0] })
})
