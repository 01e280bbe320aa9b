import { GoldenLogitsError, printable } from '../errors.js'
import { allocate, type Budgets, withinBudget } from '../io/budgets.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'
import { wholeNumberIn } from '../io/numbered-text.js'
import type { Dtype } from '../tensor/dtype.js'
import { arrayBytes, arrayTensor, checkRank } from './array-tensor.js'
import type { Format, StoredTensor } from './format.js'

/** A file of an ATB dump: header lines `name=value`, then one tensor, little-endian and row-major. */
export const atbBin: Format = {
  name: 'atb-bin',
  description: 'an ATB dump (.bin)',
  extensions: ['.bin'],
  matches: (head) => /^[\x21-\x3c\x3e-\x7e]{1,64}=/.test(head),
  read: readAtbBin,
}

/** The values of ATB's `aclDataType` that a dump may contain. */
const DTYPES: ReadonlyMap<string, Dtype> = new Map([
  ['0', 'float32'],
  ['1', 'float16'],
  ['2', 'int8'],
  ['3', 'int32'],
  ['4', 'uint8'],
  ['6', 'int16'],
  ['9', 'int64'],
  ['11', 'float64'],
  ['12', 'bool'],
  ['27', 'bfloat16'],
])

const ND = '2'

function readAtbBin(source: ByteSource, budgets: Budgets): StoredTensor[] {
  const header = readBinHeader(source, budgets)
  const { attributes, end } = header
  refuseEmpty(source, header)
  const dtype = dtypeOf(source, attributes)
  const shape = dimsOf(source, attributes, budgets)
  const format = attributes.get('format')
  if (format !== undefined && format !== ND) {
    const message = `format=${printable(format, 20)}: the elements are not in row-major order; expected format=2 (ND)`
    throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
  }
  checkSize(source, header, dtype, shape)
  return [arrayTensor({ name: '', dtype, shape, start: end })]
}

interface BinHeader {
  readonly attributes: ReadonlyMap<string, string>
  /** Offset of the first byte after the header. */
  readonly end: number
}

/** Enough for every header that ATB writes. */
const FIRST_WINDOW = 512

/**
 * The ASCII lines `name=value` in front of the data of a `.bin` file, up to and including `$End=1`, in any order.
 * @throws GoldenLogitsError `bad-header`, `limit-exceeded`
 */
export function readBinHeader(source: ByteSource, budgets: Budgets): BinHeader {
  const max = Math.min(source.size, budgets.binHeader)
  for (let window = Math.min(FIRST_WINDOW, max); ; window = max) {
    const bytes = allocate(window, 'the header', source)
    source.read(0, bytes)
    const header = parseHeader(source, bytes, budgets)
    if (header) {
      source.disregard?.(header.end, window - header.end)
      return header
    }
    if (window < max) continue
    withinBudget(budgets, 'binHeader', source.size > max ? max + 1 : max, 'bytes of the header', source)
    throw badHeader(source, 'it ends without the line $End=1, so the file was cut short', window)
  }
}

/** @returns undefined if `bytes` do not contain the whole header */
function parseHeader(source: ByteSource, bytes: Uint8Array, budgets: Budgets): BinHeader | undefined {
  const attributes = new Map<string, string>()
  for (let at = 0; ; ) {
    const end = bytes.indexOf(10, at)
    const length = (end < 0 ? bytes.length : end) - at
    withinBudget(budgets, 'binLine', length, 'bytes of a header line', { file: source.file, offset: at })
    if (end < 0) return undefined
    const line = Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('latin1')
    const match = /^([\x21-\x3c\x3e-\x7e]+)=([\x20-\x7e]*)$/.exec(line)
    if (!match) throw badHeader(source, `a line is '${printable(line, 40)}', expected name=value`, at)
    const [, name, value] = match as unknown as [string, string, string]
    if (attributes.has(name)) throw badHeader(source, `the line ${printable(name, 40)} appears twice`, at)
    attributes.set(name, value)
    withinBudget(budgets, 'binAttributes', attributes.size, 'lines of the header', { file: source.file, offset: at })
    at = end + 1
    if (name !== '$End') continue
    if (value !== '1') throw badHeader(source, `$End=${printable(value, 40)}, expected $End=1`, at)
    return { attributes, end: at }
  }
}

function badHeader(source: ByteSource, message: string, offset: number): GoldenLogitsError {
  return new GoldenLogitsError('bad-header', `broken .bin header: ${message}`, { file: source.file, offset })
}

/** Refuses files that ATB writes without data: links to equal tensors, statistics, null pointers of the device. */
function refuseEmpty(source: ByteSource, { attributes, end }: BinHeader): void {
  const link = attributes.get('data')
  if (link !== undefined) {
    throw noData(source, `its data are in another file of the same execution, ${linkedPath(link)}; use that file`)
  }
  const isNull = attributes.get('$Object.Count') === '0'
  const isStatistics = attributes.has('l2norm') || attributes.has('mean')
  if (!isNull && !isStatistics) return
  if (source.size > end) {
    if (startsHeader(source, end, 0n)) throw twoDumps(source)
    return
  }
  if (isNull) throw noData(source, 'ATB had no tensor to write ($Object.Count=0)')
  throw noData(source, 'it belongs to a statistics dump; dump again with tensors')
}

/**
 * The place of the data of a file whose header has a line `data=2_0_outtensor0.bin`: the file `after/outtensor0.bin` of
 * operation 0 inside operation 2.
 * @returns undefined if the value of `data` is no such link
 */
export function parseLink(link: string): { operations: readonly string[]; file: string } | undefined {
  const match = /^((?:\d{1,9}_)+)((in|out)tensor\d{1,9}\.bin)$/.exec(link)
  if (!match) return undefined
  const [, operations, name, side] = match as unknown as [string, string, string, string]
  return { operations: operations.split('_').slice(0, -1), file: `${side === 'in' ? 'before' : 'after'}/${name}` }
}

function linkedPath(link: string): string {
  const place = parseLink(link)
  if (!place) return `'${printable(link)}'`
  return `${printable(place.operations.map((id) => `${id}_*/`).join(''))}${place.file}`
}

function twoDumps(source: ByteSource): GoldenLogitsError {
  return badBin(source, 'it contains two dumps, one after the other: dump again into an empty folder')
}

function noData(source: ByteSource, message: string): GoldenLogitsError {
  return new GoldenLogitsError('no-data', `holds no data: ${message}`, { file: source.file })
}

function dtypeOf(source: ByteSource, attributes: ReadonlyMap<string, string>): Dtype {
  const number = attributes.get('dtype')
  if (number === undefined) throw badBin(source, 'the header has no dtype')
  const dtype = DTYPES.get(number)
  if (dtype) return dtype
  if (!/^\d{1,4}$/.test(number)) throw badBin(source, `dtype=${printable(number, 40)}, expected a number`)
  const names = [...DTYPES].map(([n, name]) => `${n} ${name}`).join(', ')
  throw new GoldenLogitsError('unsupported-dtype', `dtype=${number}; expected one of ${names}`, { file: source.file })
}

function dimsOf(source: ByteSource, attributes: ReadonlyMap<string, string>, budgets: Budgets): number[] {
  const dims = attributes.get('dims')
  if (dims === undefined) throw badBin(source, 'the header has no dims')
  const parts = dims.split(',')
  checkRank(parts, budgets, source)
  return parts.map((part) => {
    const size = wholeNumberIn(part)
    if (size !== undefined) return size
    throw badBin(source, `dims=${printable(dims, 40)}, expected whole numbers such as 1,32000`)
  })
}

/** Checks that the data have exactly the size of dims × dtype. */
function checkSize(source: ByteSource, { attributes, end }: BinHeader, dtype: Dtype, shape: readonly number[]): void {
  const rest = source.size - end
  const expected = arrayBytes(dtype, shape)
  const declared = declaredLength(source, attributes, rest)
  if (BigInt(rest) === expected) return
  const isFirstOfTwo = BigInt(rest) > expected && (declared === undefined || BigInt(declared) === expected)
  if (isFirstOfTwo && startsHeader(source, end, expected)) throw twoDumps(source)
  const advice = BigInt(rest) < expected ? 'the file was cut short' : 'the file is longer than its header says'
  const message = `dims ${shape.join(',')} of ${dtype} take ${expected} bytes, but ${rest} follow the header: ${advice}`
  throw badBin(source, message)
}

/** `$Object.Length`, in bytes. It may be smaller than the data: the tests of msit write the number of elements. */
function declaredLength(source: ByteSource, attributes: ReadonlyMap<string, string>, rest: number): number | undefined {
  const count = attributes.get('$Object.Count')
  if (count !== undefined && count !== '1') throw badBin(source, `$Object.Count=${printable(count, 20)}, expected 1`)
  const length = decimal(source, '$Object.Length', attributes.get('$Object.Length'))
  if (length !== undefined && length > rest) {
    throw badBin(source, `$Object.Length=${length}, but ${rest} bytes follow the header: the file was cut short`)
  }
  const data = attributes.get('$Object.data')
  if (data === undefined) return length
  const [offset, size = '', more] = data.split(',')
  const isStart = decimal(source, '$Object.data', offset) === 0 && more === undefined
  if (isStart && decimal(source, '$Object.data', size)! <= rest) return length
  throw badBin(source, `$Object.data=${printable(data, 40)}, expected 0 and at most ${rest} bytes`)
}

function decimal(source: ByteSource, name: string, text: string | undefined): number | undefined {
  const number = wholeNumberIn(text ?? '')
  if (number !== undefined || text === undefined) return number
  throw badBin(source, `${name}=${printable(text, 40)}, expected a whole number`)
}

/** Whether a second header follows the data of the first. ATB appends to a file that exists. */
function startsHeader(source: ByteSource, end: number, length: bigint): boolean {
  const at = end + Number(length)
  const bytes = readBytes(source, at, Math.min(16, source.size - at))
  return /^(\$Version|\$Object|\$End|format|dtype|dims)/.test(Buffer.from(bytes).toString('latin1'))
}

function badBin(source: ByteSource, message: string): GoldenLogitsError {
  return new GoldenLogitsError('bad-bin', `broken .bin file: ${message}`, { file: source.file })
}
