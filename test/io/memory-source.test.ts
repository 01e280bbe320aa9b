import { expect, test } from 'vitest'
import { memorySource } from '../../src/io/memory-source.js'
import { expectRefusal } from '../formats/build/refusal.js'

test('read copies and peek returns bytes in memory, up to their end', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4)
  const source = memorySource(bytes, 'some.bin')
  expect([source.file, source.size]).toEqual(['some.bin', 4])
  const into = new Uint8Array(2)
  source.read(2, into)
  expect([...into]).toEqual([3, 4])
  expect(source.peek!(1, 3)).toEqual(bytes.subarray(1))
  expect(source.peek!(1, 3)!.buffer).toBe(bytes.buffer)
  expect(source.peek!(1, 4)).toBeUndefined()
  expectRefusal(() => source.read(3, into), 'file-changed', 'ended at byte 4', 'some.bin')
})
