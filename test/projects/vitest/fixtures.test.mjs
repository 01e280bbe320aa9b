import { join } from 'node:path'
import { dumpFixtures } from 'golden-logits/vitest'
import { test as base, expect } from 'vitest'

const tree = (name) => join(process.env.TREES, 'a_clean_f32_vs_f16', name)
const test = base.extend(dumpFixtures({ golden: tree('golden'), dump: { path: tree('my') }, nowhere: 'nowhere' }))
let first

test('has its dumps', ({ dump, golden }) => {
  first = golden
  expect(dump).toMatchGoldenLogits(golden, { dtype: 'bf16' })
})

test('has the same ones', ({ golden }) => {
  expect(golden).toBe(first)
})

test('cannot have this one', ({ nowhere }) => {
  expect(nowhere).toBeUndefined()
})
