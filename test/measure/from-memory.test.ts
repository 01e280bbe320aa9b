import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DumpStep } from '../../src/dumps/types.js'
import { FilesSource } from '../../src/measure/from-files.js'
import { memorySource } from '../../src/measure/from-memory.js'
import { measurePair } from '../../src/measure/measure-pair.js'
import { createKernel } from '../../src/metrics/row-kernel.js'
import { memoryTensor } from '../../src/tensor/memory-tensor.js'
import { atb, logits, pth } from '../build/logits.js'
import { writeTree } from '../build/tree.js'

const kernel = createKernel('typescript')
const files = () => new FilesSource({ budgets: {}, choice: {} }, kernel)
const step = (...names: string[]): DumpStep => ({ step: 0, files: names, layer: 'lm_head' })
const inMemory = (values: readonly number[]): DumpStep => ({
  ...step(),
  tensor: memoryTensor(new Uint8Array(Float32Array.from(values).buffer), 'float32', [1, values.length]),
})

test('rows in memory are measured as the same rows in files', () => {
  const [golden, dump] = [logits(1), logits(2)]
  const root = writeTree({ 'golden.pth': pth({ values: golden }), 'dump.bin': atb({ values: dump }) })
  const goldenStep = step(join(root, 'golden.pth'))
  const setting = { golden: files(), vocabSize: undefined, kernel }
  const fromFiles = measurePair(goldenStep, step(join(root, 'dump.bin')), { ...setting, dump: files() })
  const fromMemory = measurePair(goldenStep, inMemory(dump), { ...setting, dump: memorySource({}) })
  expect(fromMemory.kind).toBe('compared')
  expect({ ...fromMemory, dump: { ...fromMemory.dump, files: [join(root, 'dump.bin')] } }).toEqual(fromFiles)
})

test('a row of another width and a row that is not there fail the token alone', () => {
  const rows = memorySource({})
  const setting = { golden: rows, dump: rows, vocabSize: undefined, kernel }
  expect(measurePair(inMemory(logits(1)), { ...step(), step: 1 }, setting)).toMatchObject({
    kind: 'unreadable',
    reason: 'no logits of token 1 are in memory',
  })
  expect(measurePair(inMemory(logits(1)), inMemory(logits(2, 10)), setting)).toMatchObject({
    kind: 'shape-mismatch',
    reason: expect.stringContaining('vocabularies differ: golden 8 columns, dump 10'),
  })
})

test('a tensor in memory gives its elements as float32', () => {
  expect([...inMemory([1.5, -2]).tensor!.toFloat32()]).toEqual([1.5, -2])
})
