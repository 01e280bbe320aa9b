import 'golden-logits/vitest'
import { compareDumps, lazyDumps, loadDump, readTensors } from 'golden-logits'
import { expect, test } from 'vitest'
import { dump, golden } from '../dumps.mjs'

const CLEAN = 'a_clean_f32_vs_f16'
const BAD = 'b_token3_degraded'
const dumps = lazyDumps({ gone: 'gone' })

test('a path to nothing', () => {
  expect('nowhere').toMatchGoldenLogits(golden(CLEAN)) // here: a path to nothing
})

test('a misspelt option', () => {
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtyp: 'bf16' }) // here: a misspelt option
})

test('.not of a snapshot', () => {
  expect(dump(CLEAN)).not.toMatchLogitsSnapshot() // here: .not of a snapshot
})

test('a poll of a snapshot', async () => {
  await expect.poll(() => dump(CLEAN), { timeout: 50 }).toMatchLogitsSnapshot() // here: a poll of a snapshot
})

test('after .resolves', async () => {
  await expect(Promise.resolve('nowhere')).resolves.toMatchGoldenLogits(golden(CLEAN)) // here: after .resolves
})

test('loadDump', () => {
  loadDump('nowhere') // here: loadDump
})

test('lazyDumps', () => {
  dumps.gone // here: lazyDumps
})

test('compareDumps', () => {
  compareDumps('nowhere', golden(CLEAN)) // here: compareDumps
})

test('readTensors', () => {
  readTensors('nowhere') // here: readTensors
})

test('too long for its timeout', { timeout: 1 }, () => {
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16' })
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16' })
})

test('too long, and fails', { timeout: 1 }, () => {
  expect(dump(BAD)).toMatchGoldenLogits(golden(BAD), { dtype: 'bf16' })
})

test('too long, but not by a comparison', { timeout: 3000 }, () => {
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16', steps: [0] })
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000)
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16', steps: [0] })
})
