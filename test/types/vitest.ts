// biome-ignore-all lint/suspicious/noConfusingVoidType: matchers return void
import { loadDump } from 'golden-logits'
import { dumpFixtures } from 'golden-logits/vitest'
import { expect, test } from 'vitest'

// quick

test('what Vitest adds', ({ expect: local }) => {
  expect.soft(dump).toMatchGoldenLogits(golden)
  local(dump).toMatchGoldenLogits(golden)
})

test.extend(dumpFixtures({ golden: 'gpu', dump: { path: 'npu', firstStep: 1 } }))('fixtures', (dumps) => {
  const steps: number = dumps.golden.steps.length + dumps.dump.steps.length
  void steps
})
