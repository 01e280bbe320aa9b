import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ErrorCode } from '../../src/errors.js'
import { readTensors } from '../../src/formats/read-tensors.js'
import { prototypesOf } from '../fuzz/prototypes.js'
import { expectRefusal } from './build/refusal.js'

// Files that once broke this reader or others. Findings of the fuzzer are added here, with the expected error.
const FOLDER = join(import.meta.dirname, '../fixtures/hostile')

const expected: { file: string; code: ErrorCode; text: string; what?: string }[] = JSON.parse(
  readFileSync(join(FOLDER, 'expected.json'), 'utf8'),
)

test.each(expected)('$file is refused as $code', ({ file, code, text }) => {
  const path = join(FOLDER, file)
  const untouched = prototypesOf()
  const start = performance.now()
  expectRefusal(() => readTensors(path).map((tensor) => tensor.toFloat32()), code, text, path)
  // Far above the time of any of them, far below a hang.
  expect(performance.now() - start).toBeLessThan(5000)
  expect(prototypesOf()).toBe(untouched)
})

test('every hostile file has an expected error', () => {
  const files = readdirSync(FOLDER).filter((name) => name !== 'expected.json')
  expect(files.sort()).toEqual(expected.map(({ file }) => file).sort())
  expect(files.length).toBeGreaterThan(40)
})
