import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DumpStep } from '../../src/dumps/types.js'
import { FilesSource } from '../../src/measure/from-files.js'
import { memorySource } from '../../src/measure/from-memory.js'
import { measurePair } from '../../src/measure/measure-pair.js'
import { createKernel } from '../../src/metrics/row-kernel.js'
import { atb, logits, pth } from '../build/logits.js'
import { writeTree } from '../build/tree.js'

const kernel = createKernel('typescript')
const files = () => new FilesSource({}, {}, kernel)
const step = (...names: string[]): DumpStep => ({ step: 0, files: names, layer: 'lm_head' })

test('rows in memory are measured as the same rows in files', () => {
  const [golden, dump] = [logits(1), logits(2)]
  const root = writeTree({ 'golden.pth': pth({ values: golden }), 'dump.bin': atb({ values: dump }) })
  const goldenStep = step(join(root, 'golden.pth'))
  const memory = memorySource(() => ({ dtype: 'float32', bytes: new Uint8Array(Float32Array.from(dump).buffer) }))
  const fromFiles = measurePair(goldenStep, step(join(root, 'dump.bin')), {
    golden: files(),
    dump: files(),
    vocabSize: undefined,
    kernel,
  })
  const fromMemory = measurePair(goldenStep, step(), { golden: files(), dump: memory, vocabSize: undefined, kernel })
  expect(fromMemory.kind).toBe('compared')
  expect({ ...fromMemory, dump: { ...fromMemory.dump, files: [join(root, 'dump.bin')] } }).toEqual(fromFiles)
})

test('a row of another width and a row that is not there fail the token alone', () => {
  const rows = memorySource((number) =>
    number === 1 ? undefined : { dtype: 'float32', bytes: new Uint8Array(4 * (8 + number)) },
  )
  const setting = { golden: rows, dump: rows, vocabSize: undefined, kernel }
  expect(measurePair(step(), { ...step(), step: 1 }, setting)).toMatchObject({
    kind: 'unreadable',
    reason: 'no row of token 1 is in memory',
  })
  expect(measurePair(step(), { ...step(), step: 2 }, setting)).toMatchObject({
    kind: 'shape-mismatch',
    reason: expect.stringContaining('vocabularies differ: golden 8 columns, dump 10'),
  })
})
