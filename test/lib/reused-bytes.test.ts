import { expect, test } from 'vitest'
import { ReusedBytes } from '../../src/lib/reused-bytes.js'
import { widened } from '../../src/tensor/widen.js'

test('memory is reused, grows, and has the size that was asked for', () => {
  const memory = new ReusedBytes()
  const sizes = [8, 40, 12, 0].map((size) => memory.take(size))
  expect(sizes.map(({ length }) => length)).toEqual([8, 40, 12, 0])
  expect(sizes[2]!.buffer).toBe(sizes[1]!.buffer)
  expect(sizes.every(({ byteOffset }) => byteOffset === 0)).toBe(true)
})

test('a row is widened to the same logits in memory that held a wider and a narrower row', () => {
  const memory = new ReusedBytes()
  for (const row of [[1, 2], [-1.5, 0.25, 3, -0], [Number.NEGATIVE_INFINITY]]) {
    // bfloat16: the high halves of float32, here exact.
    const bytes = new Uint8Array(
      Uint16Array.from(new Uint32Array(Float32Array.from(row).buffer), (x) => x >>> 16).buffer,
    )
    expect([...widened(bytes, 'bfloat16', row.length, memory)]).toEqual(row)
  }
})
