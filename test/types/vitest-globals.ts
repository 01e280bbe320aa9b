// biome-ignore-all lint/suspicious/noConfusingVoidType: matchers return void
import { loadDump } from 'golden-logits'
import 'golden-logits/vitest'

// quick

test('what Vitest adds', () => {
  expect.soft(dump).toMatchGoldenLogits(golden)
})
