import { GoldenLogitsError, printable } from '../errors.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { readBinHeader } from './bin-header.js'
import type { StoredTensor } from './stored-tensor.js'

/** The numbers of ATB's `aclDataType` that a dump may hold. */
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

/** A file of ATB's dump: header lines, then one tensor, little-endian, row-major, to the end of the file. */
export function readAtbBin(source: ByteSource, budgets: Budgets): StoredTensor[] {
  const { attributes, end } = readBinHeader(source, budgets)
  refuseEmpty(source, attributes, end)
  const dtype = dtypeOf(source, attributes)
  const shape = dimsOf(source, attributes, budgets)
  const format = attributes.get('format')
  if (format !== undefined && format !== ND) {
    const message = `format=${printable(format, 20)}: its elements do not lie row by row; expected format=2 (ND)`
    throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
  }
  const numel = checkSize(source, attributes, end, dtype, shape)
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1))
  const storage = { kind: 'storage', key: '', dtype, numel } as const
  return [
    {
      found: { name: '', tensor: { kind: 'tensor', storage, offset: 0, shape, strides } },
      open: (from) => ({ bigEndian: false, read: (offset, into) => from.read(end + offset, into) }),
      place: { start: end, size: source.size - end },
    },
  ]
}

/** Files that ATB writes without data: links to equal tensors, statistics, null pointers of the device. */
function refuseEmpty(source: ByteSource, attributes: ReadonlyMap<string, string>, end: number): void {
  const link = attributes.get('data')
  if (link !== undefined) {
    throw noData(source, `its data are in another file, ${linked(link)} of the same execution; name that one`)
  }
  const isNull = attributes.get('$Object.Count') === '0'
  const isStatistics = attributes.has('l2norm') || attributes.has('mean')
  if (!isNull && !isStatistics) return
  if (source.size > end) {
    if (startsHeader(source, end, 0n)) throw twoDumps(source)
    return
  }
  if (isNull) throw noData(source, 'ATB had no tensor to write ($Object.Count=0)')
  throw noData(source, 'it is of a statistics dump; dump anew with tensors')
}

// 2_0_outtensor0.bin stands for the file 2_*/0_*/after/outtensor0.bin, intensor for before/.
function linked(link: string): string {
  const match = /^((?:\d{1,9}_)+)(in|out)(tensor\d{1,9}\.bin)$/.exec(link)
  if (!match) return `'${printable(link)}'`
  const [, ops, side, name] = match as unknown as [string, string, string, string]
  return `${printable(ops.replaceAll('_', '_*/'))}${side === 'in' ? 'before/in' : 'after/out'}${name}`
}

function twoDumps(source: ByteSource): GoldenLogitsError {
  return badBin(source, 'two dumps lie in it, one behind the other: dump anew into an empty folder')
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
  const known = [...DTYPES].map(([n, name]) => `${n} ${name}`).join(', ')
  throw new GoldenLogitsError('unsupported-dtype', `dtype=${number}; expected one of ${known}`, { file: source.file })
}

function dimsOf(source: ByteSource, attributes: ReadonlyMap<string, string>, budgets: Budgets): number[] {
  const dims = attributes.get('dims')
  if (dims === undefined) throw badBin(source, 'the header has no dims')
  const parts = dims.split(',')
  withinBudget(budgets, 'rank', parts.length, 'dimensions of a tensor', source)
  if (!parts.every((part) => /^(0|[1-9][0-9]{0,14})$/.test(part))) {
    throw badBin(source, `dims=${printable(dims, 40)}, expected whole numbers such as 1,32000`)
  }
  return parts.map(Number)
}

/** The data must be dims × dtype to the byte. */
function checkSize(
  source: ByteSource,
  attributes: ReadonlyMap<string, string>,
  end: number,
  dtype: Dtype,
  shape: readonly number[],
): number {
  const rest = source.size - end
  const numel = shape.reduce((product, size) => product * BigInt(size), 1n)
  const expected = numel * BigInt(itemSize(dtype))
  const declared = declaredLength(source, attributes, rest)
  if (BigInt(rest) === expected) return Number(numel)
  if (
    BigInt(rest) > expected &&
    (declared === undefined || BigInt(declared) === expected) &&
    startsHeader(source, end, expected)
  ) {
    throw twoDumps(source)
  }
  const advice = BigInt(rest) < expected ? 'the file was cut short' : 'the file holds more than its header says'
  throw badBin(
    source,
    `dims ${shape.join(',')} of ${dtype} are ${expected} bytes, but ${rest} follow the header: ${advice}`,
  )
}

/** `$Object.Length`, in bytes. Smaller than the data it is tolerated: msit's own tests write the number of elements. */
function declaredLength(source: ByteSource, attributes: ReadonlyMap<string, string>, rest: number): number | undefined {
  const count = attributes.get('$Object.Count')
  if (count !== undefined && count !== '1') throw badBin(source, `$Object.Count=${printable(count, 20)}, expected 1`)
  const length = decimal(source, '$Object.Length', attributes.get('$Object.Length'))
  if (length !== undefined && length > rest) {
    throw badBin(source, `$Object.Length=${length}, but ${rest} bytes follow the header: the file was cut short`)
  }
  const data = attributes.get('$Object.data')
  if (data === undefined) return length
  const [offset, size, more] = data.split(',')
  if (
    decimal(source, '$Object.data', offset) !== 0 ||
    more !== undefined ||
    decimal(source, '$Object.data', size ?? '')! > rest
  ) {
    throw badBin(source, `$Object.data=${printable(data, 40)}, expected 0 and at most ${rest} bytes`)
  }
  return length
}

function decimal(source: ByteSource, name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^(0|[1-9][0-9]{0,14})$/.test(text)) return Number(text)
  throw badBin(source, `${name}=${printable(text, 40)}, expected a whole number`)
}

/** Does a second header begin where the first one's data end? The writer appends to a file that is there already. */
function startsHeader(source: ByteSource, end: number, length: bigint): boolean {
  const at = end + Number(length)
  const bytes = new Uint8Array(Math.min(16, source.size - at))
  source.read(at, bytes)
  return /^(\$Version|\$Object|\$End|format|dtype|dims)/.test(Buffer.from(bytes).toString('latin1'))
}

function badBin(source: ByteSource, message: string): GoldenLogitsError {
  return new GoldenLogitsError('bad-bin', `broken .bin file: ${message}`, { file: source.file })
}
