import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ByteSource } from '../../src/io/byte-source.js'
import { openFile } from '../../src/io/file-source.js'
import { widen } from '../../src/tensor/widen.js'
import { builtDist } from '../io/built.js'
import { openTensors } from './build/open.js'
import { bytesOf, global, int, pickle, storage, tensor, tuple, utf8 } from './build/pickle.js'
import { type RecordSpec, torchRecords, zip } from './build/zip.js'

const POSITIONS = 4096
const VOCABULARY = 152_064
const NUMEL = POSITIONS * VOCABULARY
const BYTES = 2 * NUMEL

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'golden-logits-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** The last row of the tensor: 1 everywhere, 2 for the last vocab id. */
const row = new Uint8Array(new Uint16Array(VOCABULARY).fill(0x3c00).fill(0x4000, -1).buffer)

/** A sparse file: `head`, zeros, the last row, and `tail`. */
function sparse(name: string, head: Uint8Array, tail: Uint8Array): string {
  const file = join(dir, name)
  const descriptor = openSync(file, 'w')
  writeSync(descriptor, head, 0, head.length, 0)
  writeSync(descriptor, row, 0, row.length, head.length + BYTES - row.length)
  if (tail.length > 0) writeSync(descriptor, tail, 0, tail.length, head.length + BYTES)
  closeSync(descriptor)
  return file
}

function bigTorch(): string {
  const numel = int(NUMEL)
  const pickled = pickle(
    tensor({
      storage: storage({ storageClass: global('torch', 'HalfStorage'), numel }),
      size: tuple(int(1), int(POSITIONS), int(VOCABULARY)),
      stride: tuple(numel, int(VOCABULARY), int(1)),
    }),
  )
  const small = torchRecords(pickled).filter(({ name }) => name !== 'archive/data/0')
  const big: RecordSpec = {
    name: 'archive/data/0',
    content: new Uint8Array(0),
    entry: { size: BYTES, compressedSize: BYTES, crc: 0 },
  }
  const all = [...small, big]
  const directory = zip(all, { wide: {} })
  const start = Buffer.from(directory).indexOf('PK\x01\x02')
  const whole = zip(all, {
    wide: { directoryStart: BigInt(start + BYTES), locatorOffset: BigInt(directory.length - 22 - 20 - 56 + BYTES) },
    end: { directoryStart: start + BYTES },
  })
  return sparse('big.pth', whole.subarray(0, start), whole.subarray(start))
}

function bigBin(): string {
  const header = `dtype=1\ndims=1,${POSITIONS},${VOCABULARY}\n$Object.Length=${BYTES}\n$End=1\n`
  return sparse('big.bin', utf8(header), bytesOf())
}

/** A source that counts the bytes read and the calls. */
function counted(source: ByteSource) {
  const count = { bytes: 0, calls: 0 }
  const read: ByteSource['read'] = (offset, into) => {
    count.bytes += into.length
    count.calls++
    source.read(offset, into)
  }
  return { source: { file: source.file, size: source.size, read }, count }
}

describe.each([
  ['.pth', bigTorch],
  ['.bin', bigBin],
])('the last row of a prompt of 4,096 tokens (1.2 GB of float16) in a %s file', (_, make) => {
  test('costs its own bytes: one read, under 2 MB including the headers', () => {
    const file = openFile(make())
    const { source, count } = counted(file)
    const [logits] = openTensors(source).tensors
    expect(logits).toMatchObject({ dtype: 'float16', shape: [1, POSITIONS, VOCABULARY], length: NUMEL })
    const before = { ...count }
    const raw = new Uint8Array(row.length)
    logits!.readRaw(NUMEL - VOCABULARY, VOCABULARY, raw)
    expect({ bytes: count.bytes - before.bytes, calls: count.calls - before.calls }).toEqual({
      bytes: row.length,
      calls: 1,
    })
    expect(count.bytes).toBeLessThan(2_000_000)
    const values = new Float32Array(VOCABULARY)
    widen(raw, 'float16', values)
    expect([values[0], values.at(-2), values.at(-1)]).toEqual([1, 1, 2])
    file.close()
  })

  test('costs a new process less than 150 MB', () => {
    const script = `
      const { readTensors } = await import(${JSON.stringify(pathToFileURL(join(builtDist(), 'esm/index.js')).href)})
      const [logits] = readTensors(process.argv[1])
      const raw = new Uint8Array(${row.length})
      logits.readRaw(logits.length - ${VOCABULARY}, ${VOCABULARY}, raw)
      console.log(JSON.stringify({ last: [...raw.slice(-4)], kilobytes: process.resourceUsage().maxRSS }))`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script, make()], { encoding: 'utf8' })
    const { last, kilobytes } = JSON.parse(out) as { last: number[]; kilobytes: number }
    expect(last).toEqual([0x00, 0x3c, 0x00, 0x40])
    expect(kilobytes).toBeLessThan(150_000)
  })

  test('is not decoded together with all other rows', () => {
    const file = openFile(make())
    const [logits] = openTensors(file).tensors
    expect(() => logits!.toFloat32()).toThrow('elements decoded of one tensor: 622854144 is over the budget elements')
    file.close()
  })

  test('is missing in a file that was cut short', () => {
    const file = make()
    truncateSync(file, 10_000)
    expect(() => openTensors(openFile(file)).tensors).toThrow(/cut short/)
  })
})
