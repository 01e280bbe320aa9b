import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newChecks } from '../../src/formats/format.js'
import { storageTensor } from '../../src/formats/storage-tensor.js'
import { DEFAULT_BUDGETS } from '../../src/io/budgets.js'
import { memorySource } from '../../src/io/memory-source.js'
import { expectRefusal, FILE } from './build/refusal.js'
import { rows } from './build/rows-format.js'

// The format that CONTRIBUTING.md shows: one file is all that it takes.

function open(bytes: Uint8Array) {
  const source = memorySource(bytes, FILE)
  return rows.read(source, DEFAULT_BUDGETS).map((tensor) => {
    const open = () => ({ bytes: tensor.open(source, newChecks()), close: () => undefined })
    return storageTensor(tensor, open, FILE, DEFAULT_BUDGETS)
  })
}

const file = (count: number) => {
  const head = Uint8Array.from([...Buffer.from('ROWS'), count, 0, 0, 0, 3, 0, 0, 0])
  return Buffer.concat([head, new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer)])
}

test('CONTRIBUTING.md shows this format', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../CONTRIBUTING.md'), 'utf8')
  const code = readFileSync(join(import.meta.dirname, 'build/rows-format.ts'), 'utf8')
  const inSource = code.replaceAll('../../../src/formats/', './').replaceAll('../../../src/', '../')
  expect(guide).toContain(inSource)
})

test('it reads its files, and refuses one that lies', () => {
  expect(rows.matches(file(2).toString('latin1'))).toBe(true)
  const [tensor] = open(file(2))
  expect(tensor).toMatchObject({ dtype: 'float32', shape: [2, 3] })
  expect([...tensor!.toFloat32()]).toEqual([1, 2, 3, 4, 5, 6])
  expectRefusal(() => open(file(3)), 'bad-storage', 'the shape [3, 3] takes 36 bytes, but 24 follow the header')
})
