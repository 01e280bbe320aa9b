import { expect, test } from 'vitest'
import { type ByteSource, hasBytes, readBytes } from '../../src/io/byte-source.js'
import { memorySource } from '../../src/io/memory-source.js'

const bytes = Uint8Array.of(1, 2, 3, 4, 5)
const memory = memorySource(bytes, 'file')
const read: ByteSource['read'] = (offset, into) => memory.read(offset, into)

test.each<[string, ByteSource]>([
  ['with peek', memory],
  ['without peek', { file: 'file', size: 5, read }],
  ['whose peek has no bytes there', { file: 'file', size: 5, read, peek: () => undefined }],
])('bytes of a source %s', (_, source) => {
  expect(readBytes(source, 1, 3)).toEqual(Uint8Array.of(2, 3, 4))
  expect(hasBytes(source, 1, Uint8Array.of(2, 3, 4))).toBe(true)
  expect(hasBytes(source, 1, Uint8Array.of(2, 3, 5))).toBe(false)
})
