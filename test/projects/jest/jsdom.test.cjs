/** @jest-environment <rootDir>/like-jsdom.cjs */
require('golden-logits/jest')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { logitsOf, readTensors } = require('golden-logits')
const { expect, test } = require('@jest/globals')
const { dump, golden } = require('../dumps.cjs')

const CLEAN = 'a_clean_f32_vs_f16'
const urlOf = (side) => new URL(pathToFileURL(join(process.env.TREES, CLEAN, side)).href)

test('is another realm, without TextDecoder', () => {
  expect(Buffer.alloc(1) instanceof Uint8Array).toBe(false)
  expect(typeof TextDecoder).toBe('undefined')
})

test('the gate', () => {
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16' })
})

test('the gate on several threads', () => {
  expect(dump(CLEAN)).toMatchGoldenLogits(golden(CLEAN), { dtype: 'bf16', threads: 2 })
})

test('a snapshot, written and read', () => {
  expect(dump(CLEAN)).toMatchLogitsSnapshot({ dtype: 'bf16', name: 'full' })
  expect(dump(CLEAN)).toMatchLogitsSnapshot({ dtype: 'bf16', name: 'full' })
  expect(dump(CLEAN)).toMatchLogitsSnapshot({ dtype: 'bf16', name: 'compact', fidelity: 'compact' })
  expect(dump(CLEAN)).toMatchLogitsSnapshot({ dtype: 'bf16', name: 'compact', fidelity: 'compact' })
})

test("URLs of jsdom's class", () => {
  expect(urlOf('my')).toMatchGoldenLogits(urlOf('golden'), { dtype: 'bf16' })
})

test('bytes into a Buffer of Node and into an array of this realm', () => {
  for (const { files } of golden(CLEAN).steps) {
    const [tensor] = readTensors(files[0])
    const [buffer, array] = [Buffer.alloc(8), new Uint8Array(8)]
    tensor.readRaw(0, 2, buffer)
    tensor.readRaw(0, 2, array)
    expect([...array]).toEqual([...buffer])
    expect(array.some((byte) => byte !== 0)).toBe(true)
  }
})

test('logits in arrays of this realm and of Node', () => {
  const here = new Float32Array([1, 2, 3])
  const bytes = Buffer.from(new Uint8Array(here.buffer))
  expect(here.constructor).not.toBe(bytes.constructor)
  expect(logitsOf(here)).toMatchGoldenLogits(logitsOf({ data: here.slice(), dims: [1, 3] }), { dtype: 'fp32' })
})
