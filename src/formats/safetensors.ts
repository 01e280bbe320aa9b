import { GoldenLogitsError, printable } from '../errors.js'
import { allocate, type Budgets, withinBudget } from '../io/budgets.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'
import { decodeUtf8 } from '../io/utf8.js'
import { topLevelKeys } from '../lib/json-keys.js'
import type { Dtype } from '../tensor/dtype.js'
import { arrayBytes, arrayTensor, checkRank, type StoredArray } from './array-tensor.js'
import type { Format, StoredTensor } from './format.js'

/** A file of safetensors: the length of a JSON header (8 bytes), the header, and the tensors without gaps. */
export const safetensors: Format = {
  name: 'safetensors',
  description: 'a safetensors file',
  extensions: ['.safetensors'],
  matches: (head) => head.startsWith('\0\0\0{', 5),
  read: readSafetensors,
}

const DTYPES: ReadonlyMap<string, Dtype> = new Map([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U64', 'uint64'],
  ['U32', 'uint32'],
  ['U16', 'uint16'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
])

const PREFIX = 8

function readSafetensors(source: ByteSource, budgets: Budgets): StoredTensor[] {
  const { text, end } = readHeader(source, budgets)
  const arrays: StoredArray[] = []
  for (const [name, entry] of parseHeader(source, text)) {
    if (name !== '__metadata__') arrays.push(parseEntry(source, name, entry, end, budgets))
  }
  withinBudget(budgets, 'tensors', arrays.length, 'tensors in the file', { file: source.file })
  if (arrays.length === 0) throw new GoldenLogitsError('no-tensor', 'holds no tensor', { file: source.file })
  checkTiling(source, arrays, end)
  return arrays.map(arrayTensor)
}

function readHeader(source: ByteSource, budgets: Budgets): { text: string; end: number } {
  const { size, file } = source
  const length = new DataView(readBytes(source, 0, PREFIX).buffer).getBigUint64(0, true)
  withinBudget(budgets, 'safetensorsHeader', Number(length), 'bytes of the safetensors header', { file })
  if (length > BigInt(size - PREFIX)) {
    throw badHeader(source, `it claims ${length} bytes, and ${size - PREFIX} follow: the file was cut short`)
  }
  const bytes = allocate(Number(length), 'the safetensors header', source)
  source.read(PREFIX, bytes)
  const text = decodeUtf8(bytes)
  if (text !== undefined) return { text, end: PREFIX + bytes.length }
  throw badHeader(source, 'it is not UTF-8')
}

/** The entries in the order of the header: an object would put names such as `1` first, and keep one of two equal names. */
function parseHeader(source: ByteSource, text: string): ReadonlyMap<string, unknown> {
  let header: ReadonlyMap<string, unknown>
  try {
    header = new Map(Object.entries(JSON.parse(text) as object))
  } catch {
    throw badHeader(source, `it is no JSON: '${printable(text, 60)}'`)
  }
  const entries = new Map<string, unknown>()
  for (const name of topLevelKeys(text)) {
    if (entries.has(name)) throw badHeader(source, `two entries are named '${printable(name, 60)}'`)
    entries.set(name, header.get(name))
  }
  return entries
}

/** Checks one entry: dtype, shape, and offsets that hold exactly the elements. */
function parseEntry(source: ByteSource, name: string, entry: unknown, end: number, budgets: Budgets): StoredArray {
  const label = `tensor '${printable(name, 60)}'`
  const { dtype: code, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>
  if (typeof code !== 'string') throw badHeader(source, `${label} has no dtype`)
  if (!isSizes(shape)) throw badHeader(source, `the shape of ${label} is no list of whole numbers from 0`)
  if (!isSizes(offsets) || offsets.length !== 2) throw badHeader(source, `the offsets of ${label} are no two numbers`)
  checkRank(shape, budgets, { file: source.file })
  const dtype = DTYPES.get(code)
  if (!dtype) {
    const message = `${label} has elements of dtype ${printable(code, 20)}; save the logits as F32, F16 or BF16`
    throw new GoldenLogitsError('unsupported-dtype', message, { file: source.file })
  }
  const [from, to] = offsets as [number, number]
  const expected = arrayBytes(dtype, shape)
  if (from > to || BigInt(to - from) !== expected) {
    const message = `${label} of ${code} [${printable(shape.join(', '), 60)}] takes ${expected} bytes, but its offsets are ${from} to ${to}`
    throw new GoldenLogitsError('bad-storage', message, { file: source.file })
  }
  return { name, dtype, shape, start: end + from }
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}

/** The tensors must cover the bytes after the header exactly, without gaps and without sharing any. */
function checkTiling(source: ByteSource, arrays: readonly StoredArray[], end: number): void {
  let at = end
  const spans = arrays.map(({ name, dtype, shape, start }) => ({
    name,
    start,
    end: start + Number(arrayBytes(dtype, shape)),
  }))
  spans.sort((a, b) => a.start - b.start || a.end - b.end)
  for (const { name, start, end: next } of spans) {
    if (start !== at) {
      const problem = start < at ? 'overlaps another' : `leaves ${start - at} bytes before it unused`
      const message = `tensor '${printable(name, 60)}' ${problem}`
      throw new GoldenLogitsError('bad-storage', message, { file: source.file, offset: start })
    }
    at = next
  }
  if (at === source.size) return
  const problem = at > source.size ? 'the file was cut short' : 'the file is longer than its header says'
  const message = `its tensors end at byte ${at}, and the file at ${source.size}: ${problem}; copy or save it again`
  throw new GoldenLogitsError('bad-storage', message, { file: source.file })
}

function badHeader({ file }: ByteSource, message: string): GoldenLogitsError {
  return new GoldenLogitsError('bad-header', `broken safetensors header: ${message}`, { file })
}
