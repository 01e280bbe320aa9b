import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTensors } from '../../src/formats/read-tensors.js'
import { bytesOf, int, long, pickle, storage, tensor, tuple, u16, u64, utf8 } from './build/pickle.js'
import { torchRecords, zip } from './build/zip.js'

const VOCABULARY = 152_064
const POSITIONS = 9000
const NUMEL = POSITIONS * VOCABULARY
/** 5.5 GB: more than 32 bits can count, and more than fits into one buffer. */
const BYTES = 4 * NUMEL

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'golden-logits-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A sparse file of zeros with 1 in the last column of the last row. */
function sparse(name: string, head: Uint8Array, tail: Uint8Array): string {
  const file = join(dir, name)
  const descriptor = openSync(file, 'w')
  writeSync(descriptor, head, 0, head.length, 0)
  writeSync(
    descriptor,
    bytesOf(new Uint8Array(Float32Array.of(1).buffer), tail),
    0,
    4 + tail.length,
    head.length + BYTES - 4,
  )
  closeSync(descriptor)
  return file
}

function huge(name: string): string {
  if (name.endsWith('.bin')) {
    return sparse(
      name,
      utf8(`dtype=0\ndims=1,${POSITIONS},${VOCABULARY}\n$Object.Length=${BYTES}\n$End=1\n`),
      bytesOf(),
    )
  }
  const pickled = pickle(
    tensor({
      storage: storage({ numel: long(BigInt(NUMEL)) }),
      size: tuple(int(1), int(POSITIONS), int(VOCABULARY)),
      stride: tuple(long(BigInt(NUMEL)), int(VOCABULARY), int(1)),
    }),
  )
  const small = torchRecords(pickled).filter(({ name }) => name !== 'archive/data/0')
  const extra = bytesOf(u16(1), u16(16), u64(BYTES), u64(BYTES))
  const entry = { size: 0xffffffff, compressedSize: 0xffffffff, crc: 0, extra }
  const all = [...small, { name: 'archive/data/0', content: new Uint8Array(0), entry }]
  const plain = zip(all, { wide: {} })
  const start = Buffer.from(plain).indexOf('PK\x01\x02')
  const whole = zip(all, {
    wide: { directoryStart: BigInt(start + BYTES), locatorOffset: BigInt(plain.length - 22 - 20 - 56 + BYTES) },
    end: { directoryStart: 0xffffffff },
  })
  return sparse(name, whole.subarray(0, start), whole.subarray(start))
}

test.each(['huge.pth', 'huge.bin'])('%s of 5.5 GB: the last row is read from beyond 4 GiB', (name) => {
  const [logits] = readTensors(huge(name))
  expect(logits).toMatchObject({ dtype: 'float32', shape: [1, POSITIONS, VOCABULARY], length: NUMEL })
  const row = new Uint8Array(4 * VOCABULARY)
  logits!.readRaw(NUMEL - VOCABULARY, VOCABULARY, row)
  expect([...new Float32Array(row.buffer).slice(-2)]).toEqual([0, 1])
  expect(() => logits!.toFloat32()).toThrow('elements decoded of one tensor: 1368576000 is over the budget elements')
})
