import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readTensors } from '../../src/formats/read-tensors.js'
import { TensorReader } from '../../src/formats/tensor-reader.js'
import type { ByteSource } from '../../src/io/byte-source.js'
import { memorySource } from '../../src/io/memory-source.js'
import { itemSize } from '../../src/tensor/dtype.js'
import type { LazyTensor } from '../../src/tensor/tensor.js'
import { openTensors } from '../formats/build/open.js'
import { expectRefusal, refusalOf } from '../formats/build/refusal.js'

export const FIXTURES = join(import.meta.dirname, '../fixtures')

/** What the library that wrote a file reads from it: made by a script in scripts/fixtures. */
export interface RealFile {
  file: string
  tensors: { name: string; dtype: string; shape: number[]; float32: string; raw: string }[]
}

export interface FormatCase {
  format: string
  files: readonly RealFile[]
  /** Folders of `test/fixtures` in which every file must be in `files`, and the ending of their names. */
  folders: readonly string[]
  ending: string
  /** Two files of the same shape and dtype with different elements, and the fields that nothing checks. */
  pair?: readonly [string, string]
  /** Whether fields may follow the elements, such as a name. A file that ends before them reads without them. */
  fieldsAfterElements?: boolean
}

export function readManifest(file: string): RealFile[] {
  return JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')).files
}

/** The tests that every file format must pass. */
export function formatConformance({ format, files, folders, ending, pair, fieldsAfterElements }: FormatCase): void {
  describe(`the format ${format}`, () => {
    test.each(files)('$file reads bit for bit as in the library that wrote it', ({ file, tensors }) => {
      expect(readTensors(join(FIXTURES, file)).map(describeTensor)).toEqual(tensors)
    })

    test.each(files)('$file reads the same in parts', ({ file }) => {
      for (const tensor of readTensors(join(FIXTURES, file))) {
        const item = itemSize(tensor.dtype)
        const parts = new Uint8Array(tensor.length * item)
        // Not a divisor of the row length, so that parts begin and end inside rows.
        for (let start = 0; start < tensor.length; start += 5) {
          tensor.readRaw(start, Math.min(5, tensor.length - start), parts.subarray(start * item))
        }
        expect(parts).toEqual(rawOf(tensor))
      }
    })

    test('every file of its folders has an expected result', () => {
      const present = folders.flatMap((folder) =>
        readdirSync(join(FIXTURES, folder)).map((name) => `${folder}/${name}`),
      )
      const names = files.map(({ file }) => file)
      expect(new Set(names).size).toBe(names.length)
      expect(present.filter((name) => name.endsWith(ending)).sort()).toEqual([...names].sort())
    })

    test('a file that ends early is refused, wherever it ends', () => {
      for (const { file } of smallest(files)) {
        const bytes = new Uint8Array(readFileSync(join(FIXTURES, file)))
        for (let length = 0; length < bytes.length; length += 1 + (length >> 7)) {
          const read = () => readAll(bytes.subarray(0, length), file)
          if (fieldsAfterElements && isReadable(read)) {
            expect(read()).toEqual(readAll(bytes, file))
            continue
          }
          const error = refusalOf(read)
          expect({ file: error.file, lines: error.message.split('\n').length }).toEqual({ file, lines: 1 })
        }
      }
    })

    test('a file that is longer than it says is refused', () => {
      for (const { file } of files) {
        const bytes = readFileSync(join(FIXTURES, file))
        for (const more of [Buffer.alloc(1), bytes]) {
          expect(refusalOf(() => readAll(Buffer.concat([bytes, more]), file)).file).toBe(file)
        }
      }
    })

    test('a part of a tensor costs its own bytes, if they lie together', () => {
      let compared = 0
      for (const { file } of files) {
        const source = countedSource(new Uint8Array(readFileSync(join(FIXTURES, file))), file)
        const { tensors, layout } = openTensors(source, { crcBytes: 0 })
        tensors.forEach((tensor, i) => {
          const isContiguous = layout?.stored[i]?.tensor.strides.at(-1) === 1 && tensor.shape.length === 2
          const [rows, width] = tensor.shape as [number, number]
          if (!isContiguous || tensor.length === 0 || rows === 1 || /compressed|deflated|varint|unpacked/.test(file))
            return
          const row = new Uint8Array(width * itemSize(tensor.dtype))
          source.bytesRead = 0
          tensor.readRaw((rows - 1) * width, width, row)
          expect(source.bytesRead).toBe(row.length)
          compared++
        })
      }
      expect(compared).toBeGreaterThan(0)
    })

    test('a file over a budget is refused with its name', () => {
      const { file } = files.find(({ tensors }) => tensors[0]!.shape.length === 2)!
      const path = join(FIXTURES, file)
      for (const [budget, what] of [
        ['fileBytes', 'the size of the file'],
        ['elements', 'elements decoded of one tensor'],
        ['rank', 'dimensions of a tensor'],
      ] as const) {
        const read = () => readTensors(path, { budgets: { [budget]: 1 } }).map((tensor) => tensor.toFloat32())
        expectRefusal(read, 'limit-exceeded', `is over the budget ${budget} of 1`, path)
        expect(refusalOf(read).message).toContain(what)
      }
    })

    test.runIf(pair)('two files of one layout are parsed once, and each has its own elements', () => {
      const reader = new TensorReader()
      const opened = pair!.map((file) => {
        const { tensors, layout } = reader.open(memorySource(new Uint8Array(readFileSync(join(FIXTURES, file))), file))
        return { found: tensors.map(describeTensor), layout }
      })
      expect(opened[0]!.layout).toBeDefined()
      expect(opened[1]!.layout).toBe(opened[0]!.layout)
      expect(opened.map(({ found }) => found)).toEqual(pair!.map((file) => files.find((f) => f.file === file)!.tensors))
      expect(opened[0]!.found).not.toEqual(opened[1]!.found)
    })

    test.runIf(pair)('a file without the magic bytes is not read as one of the same layout', () => {
      const [first, second] = pair!.map((file) => new Uint8Array(readFileSync(join(FIXTURES, file))))
      const reader = new TensorReader()
      reader.open(memorySource(first!, pair![0]))
      const header = reader.open(memorySource(second!, pair![1])).layout!.fragments[0]!
      for (let at = 0; at < header.bytes.length; at++) {
        const damaged = Uint8Array.from(second!)
        damaged[header.offset + at]! ^= 0x80
        expect(refusalOf(() => reader.open(memorySource(damaged, pair![1]))).file).toBe(pair![1])
      }
    })

    test('a file under any other name reads the same', () => {
      const { file, tensors } = files[0]!
      const path = join(mkdtempSync(join(tmpdir(), 'golden-logits-')), 'renamed.tensor')
      writeFileSync(path, readFileSync(join(FIXTURES, file)))
      expect(readTensors(path).map(describeTensor)).toEqual(tensors)
    })

    const hostile = hostileFiles(ending === '.pt' ? '.pth' : ending)
    test.each(hostile)('$file is refused as $code', ({ file, code, text }) => {
      const path = join(FIXTURES, 'hostile', file)
      expectRefusal(() => readTensors(path).map((tensor) => tensor.toFloat32()), code, text, path)
    })

    test('there are hostile files of it', () => {
      expect(hostile.length).toBeGreaterThan(4)
    })
  })
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function rawOf(tensor: LazyTensor): Uint8Array {
  const raw = new Uint8Array(tensor.length * itemSize(tensor.dtype))
  tensor.readRaw(0, tensor.length, raw)
  return raw
}

function describeTensor(tensor: LazyTensor): RealFile['tensors'][number] {
  const { name, dtype, shape } = tensor
  return { name, dtype, shape: [...shape], float32: sha256(oneNaN(tensor.toFloat32())), raw: sha256(rawOf(tensor)) }
}

/** The payload of a NaN depends on the loop of the library that converted it, so all NaN are equal in the manifest. */
function oneNaN(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  bits.forEach((_, i) => {
    if (Number.isNaN(values[i])) bits[i] = 0x7fc00000
  })
  return new Uint8Array(values.buffer)
}

function readAll(bytes: Uint8Array, file: string): Float32Array[] {
  return openTensors(memorySource(bytes, file)).tensors.map((tensor) => tensor.toFloat32())
}

function isReadable(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch {
    return false
  }
}

/** A source that counts the bytes that were read. */
function countedSource(bytes: Uint8Array, file: string): ByteSource & { bytesRead: number } {
  const source = memorySource(bytes, file)
  return {
    file,
    size: bytes.length,
    bytesRead: 0,
    read(offset, into) {
      this.bytesRead += into.length
      source.read(offset, into)
    },
  }
}

function smallest(files: readonly RealFile[]): RealFile[] {
  const size = ({ file }: RealFile) => readFileSync(join(FIXTURES, file)).length
  return [...files].sort((a, b) => size(a) - size(b)).slice(0, 12)
}

function hostileFiles(ending: string): { file: string; code: 'bad-header'; text: string }[] {
  const expected = join(FIXTURES, 'hostile', 'expected.json')
  if (!existsSync(expected)) return []
  const all: { file: string; code: 'bad-header'; text: string }[] = JSON.parse(readFileSync(expected, 'utf8'))
  return all.filter(({ file }) => basename(file).endsWith(ending))
}
