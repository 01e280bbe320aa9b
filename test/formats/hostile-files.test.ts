import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ErrorCode } from '../../src/errors.js'
import { readKld } from '../../src/formats/kld.js'
import { readTensors } from '../../src/formats/read-tensors.js'
import { DEFAULT_BUDGETS } from '../../src/io/budgets.js'
import { openFile } from '../../src/io/file-source.js'
import { KldRows } from '../../src/measure/from-kld.js'
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
  expectRefusal(() => (file.endsWith('.kld') ? readRows(path) : readElements(path)), code, text, path)
  // Far above the time of any of them, far below a hang.
  expect(performance.now() - start).toBeLessThan(5000)
  expect(prototypesOf()).toBe(untouched)
})

function readElements(path: string): void {
  for (const tensor of readTensors(path)) tensor.toFloat32()
}

/** A base file of llama.cpp holds rows, not tensors. */
function readRows(path: string): void {
  const source = openFile(path, DEFAULT_BUDGETS)
  try {
    const kld = readKld(source, DEFAULT_BUDGETS)
    const rows = new KldRows(source, kld)
    for (let index = 0; index < kld.chunks * kld.rowsPerChunk; index++) rows.row(index)
  } finally {
    source.close()
  }
}

test('every hostile file has an expected error', () => {
  const files = readdirSync(FOLDER).filter((name) => name !== 'expected.json')
  expect(files.sort()).toEqual(expected.map(({ file }) => file).sort())
  expect(files.length).toBeGreaterThan(40)
})
