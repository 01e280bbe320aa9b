import { TextEncoder } from 'node:util'
import { type ErrorCode, GoldenLogitsError, printable } from '../errors.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import { type ByteSource, hasBytes, readBytes } from '../io/byte-source.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { arrayBytes, arrayTensor, checkRank, type StoredArray } from './array-tensor.js'
import type { Format, StoredTensor } from './format.js'
import { type PythonValue, parsePythonDict } from './python-dict.js'

const NPY_MAGIC = '\x93NUMPY'
const MAGIC_BYTES = Buffer.from(NPY_MAGIC, 'latin1')

/** A file of `numpy.save`: a header and one array, in C or Fortran order and either byte order. */
export const npy: Format = {
  name: 'npy',
  description: 'a NumPy array (.npy)',
  extensions: ['.npy'],
  matches: (head) => head.startsWith(NPY_MAGIC),
  read: readNpy,
}

function readNpy(source: ByteSource, budgets: Budgets): StoredTensor[] {
  const array = readNpyArray(source, budgets)
  if (array) return [arrayTensor(array)]
  throw npyError(source, 'unsupported-dtype', 'holds text or dates, expected an array of logits')
}

/**
 * Locates the array of a `.npy` file, which must have exactly the bytes of its shape and dtype.
 * @returns undefined for text and dates
 */
export function readNpyArray(source: ByteSource, budgets: Budgets): StoredArray | undefined {
  const { dtype, bigEndian, fortran, shape, length } = readNpyHeader(source, budgets)
  if (dtype === undefined) return undefined
  const expected = arrayBytes(dtype, shape)
  const rest = BigInt(source.size - length)
  if (rest === expected) return { name: '', dtype, shape, start: length, bigEndian, fortran }
  const isSeries = rest > expected && startsNpy(source, length + Number(expected))
  const advice = isSeries
    ? 'another array follows (numpy.save was called twice with one open file): save each to its own file'
    : `the file ${rest < expected ? 'was cut short' : 'is longer than its header says'}`
  const message = `the shape [${shape.join(', ')}] of ${dtype} takes ${expected} bytes, but ${rest} follow the header: ${advice}`
  throw npyError(source, 'bad-storage', message)
}

/** The header of a `.npy` file. */
interface NpyHeader {
  /** Undefined for text and dates, which cannot be logits. */
  readonly dtype: Dtype | undefined
  readonly bigEndian: boolean
  readonly fortran: boolean
  readonly shape: readonly number[]
  /** Bytes of the header: the elements follow. */
  readonly length: number
}

/** Whether a .npy file starts at this offset. */
function startsNpy(source: ByteSource, offset: number): boolean {
  return offset + MAGIC_BYTES.length <= source.size && hasBytes(source, offset, MAGIC_BYTES)
}

/** NumPy's names of the dtypes without the byte order. It has no bfloat16: ml_dtypes, JAX and MLX write 2 raw bytes (`V2`). */
const DTYPES: ReadonlyMap<string, Dtype> = new Map([
  ['f8', 'float64'],
  ['f4', 'float32'],
  ['f2', 'float16'],
  ['V2', 'bfloat16'],
  ['i8', 'int64'],
  ['i4', 'int32'],
  ['i2', 'int16'],
  ['i1', 'int8'],
  ['u8', 'uint64'],
  ['u4', 'uint32'],
  ['u2', 'uint16'],
  ['u1', 'uint8'],
  ['b1', 'bool'],
])

/**
 * Parses the header at the start of `source`: magic, version 1 to 3, length, and a Python dict. Format: NumPy Enhancement
 * Proposal 1, numpy.lib.format.
 * @throws GoldenLogitsError `bad-header`, `unsupported-format`, `unsupported-dtype`, `limit-exceeded`
 */
function readNpyHeader(source: ByteSource, budgets: Budgets): NpyHeader {
  const { size } = source
  if (!startsNpy(source, 0)) throw badHeader(source, 'the first bytes are not the signature of a NumPy array')
  const start = sizeOfStart(source)
  if (size < start) throw badHeader(source, `it has ${size} bytes: the file was cut short`)
  const bytes = readBytes(source, 0, start)
  const view = new DataView(bytes.buffer)
  const textLength = start === 10 ? view.getUint16(8, true) : view.getUint32(8, true)
  withinBudget(budgets, 'npyHeader', textLength, 'bytes of the .npy header', { file: source.file })
  const length = start + textLength
  if (length > size) throw badHeader(source, `it claims ${length} bytes of ${size}: the file was cut short`)
  const text = Buffer.from(readBytes(source, start, textLength)).toString('latin1')
  return { ...parseHeader(source, text, budgets), length }
}

/** Bytes of magic, version and length, by the version. */
function sizeOfStart(source: ByteSource): 10 | 12 {
  const [major, minor] = source.size < 8 ? [1, 0] : readBytes(source, 6, 2)
  if (major! >= 1 && major! <= 3 && minor === 0) return major === 1 ? 10 : 12
  const message = `is a .npy file of version ${major}.${minor}, expected 1.0, 2.0 or 3.0`
  throw npyError(source, 'unsupported-format', message)
}

function parseHeader(source: ByteSource, text: string, budgets: Budgets): Omit<NpyHeader, 'length'> {
  const dict = parsePythonDict(text)
  if (typeof dict === 'string') throw badHeader(source, `${dict} in '${printable(text.trimEnd(), 80)}'`)
  const keys = [...dict.keys()].sort().join(', ')
  if (keys !== 'descr, fortran_order, shape') {
    throw badHeader(source, `its keys are ${printable(keys)}, expected descr, fortran_order and shape`)
  }
  const fortran = dict.get('fortran_order')!
  if (typeof fortran !== 'boolean') throw badHeader(source, 'fortran_order is neither True nor False')
  return { ...parseDescr(source, dict.get('descr')!), fortran, shape: parseShape(source, dict.get('shape')!, budgets) }
}

function parseDescr(source: ByteSource, descr: PythonValue): Pick<NpyHeader, 'dtype' | 'bigEndian'> {
  if (Array.isArray(descr)) throw npyError(source, 'unsupported-dtype', `is a structured array; ${SAVE}`)
  const match = typeof descr === 'string' ? /^([<>|=]?)([a-zA-Z])(\d{0,9})(\[\w+\])?$/.exec(descr) : null
  if (!match) throw badHeader(source, `its descr is ${printable(String(descr), 40)}, expected a dtype such as '<f4'`)
  const [, order, kind, size] = match as unknown as [string, string, string, string]
  if (kind === 'O') {
    const advice = source.member === undefined ? SAVE : 'save it as numbers or text, or leave it out of the archive'
    const message = `is an array of Python objects ('|O'), a pickle; nothing was run; ${advice}`
    throw npyError(source, 'unsupported-dtype', message)
  }
  const isText = /[USaMm]/.test(kind)
  const dtype = isText ? undefined : DTYPES.get(kind + size)
  if (!dtype && !isText) {
    const message = `has elements of dtype '${printable(descr as string, 20)}'; ${SAVE}`
    throw npyError(source, 'unsupported-dtype', message)
  }
  return { dtype, bigEndian: order === '>' && dtype !== undefined && itemSize(dtype) > 1 }
}

const SAVE = 'save the logits in a floating-point dtype: numpy.save(path, logits.astype(numpy.float32))'

function parseShape(source: ByteSource, shape: PythonValue, budgets: Budgets): number[] {
  if (typeof shape !== 'object' || !shape.every((size) => typeof size === 'number')) {
    throw badHeader(source, 'its shape is not a tuple of whole numbers')
  }
  checkRank(shape, budgets, source)
  return [...shape] as number[]
}

function badHeader(source: ByteSource, message: string): GoldenLogitsError {
  return npyError(source, 'bad-header', `broken .npy header: ${message}`)
}

/** An error about a .npy file, or about a member of an archive of them. */
function npyError({ file, member }: ByteSource, code: ErrorCode, message: string): GoldenLogitsError {
  const text = member === undefined ? message : `member '${printable(member, 60)}': ${message}`
  return new GoldenLogitsError(code, text, { file })
}

/** The elements of a snapshot's row by NumPy's names. It has no bfloat16: the bits are stored as uint16. */
const SNAPSHOT_DESCR: ReadonlyMap<Dtype, string> = new Map<Dtype, string>([
  ...[...DTYPES].map(([name, dtype]) => [dtype, `${itemSize(dtype) === 1 ? '|' : '<'}${name}`] as const),
  ['bfloat16', '<u2'],
])

/** The header, to a multiple of 64 bytes, of a `.npy` file of version 1.0 that holds one row of `width` elements. */
export function npyHeader(dtype: Dtype, width: number): Uint8Array {
  const text = `{'descr': '${SNAPSHOT_DESCR.get(dtype)}', 'fortran_order': False, 'shape': (${width},), }`
  const padded = `${text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11)}\n`
  const header = new Uint8Array(10 + padded.length)
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 0xff, padded.length >> 8])
  header.set(new TextEncoder().encode(padded), 10)
  return header
}
