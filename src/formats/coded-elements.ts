import type { GoldenLogitsError } from '../errors.js'
import { allocate } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { brokenTensor, VARINT_BYTES, WIRE } from './protobuf.js'

/** Elements of a tensor that are stored one by one: as varints, or each in a separate field. */
export interface CodedElements {
  readonly start: number
  /** In the file. */
  readonly length: number
  readonly count: number
  readonly dtype: Dtype
  readonly wire: number
  /** The byte in front of each element, if each is in a separate field. */
  readonly tag: number | undefined
}

/** The most bytes of an element: its tag, and a varint of 64 bits. */
const MAX_BYTES = 11

/** The least and the largest number of the dtypes that varints of 32 bits hold. float16 and bfloat16 are their bits. */
const RANGES: Readonly<Partial<Record<Dtype, readonly [number, number]>>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int8: [-(2 ** 7), 2 ** 7 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint8: [0, 2 ** 8 - 1],
  bool: [0, 1],
  float16: [0, 2 ** 16 - 1],
  bfloat16: [0, 2 ** 16 - 1],
}

/**
 * Checks that the bytes can hold the elements, so that their number says how much memory they take.
 * @throws GoldenLogitsError `bad-storage`
 */
export function checkCodedSize(source: ByteSource, elements: CodedElements): void {
  const { start, length, count } = elements
  if (length < count) throw tooFew(source, elements, length)
  if (length > count * MAX_BYTES) throw tooMany(source, elements, start)
}

/**
 * The raw little-endian elements.
 * @throws GoldenLogitsError `bad-storage` if there are more or fewer than expected, or one does not fit the dtype
 */
export function decodeElements(source: ByteSource, elements: CodedElements): Uint8Array {
  const { start, length, count, dtype, wire, tag } = elements
  const coded = allocate(length, 'the coded elements', source)
  source.read(start, coded)
  const item = itemSize(dtype)
  const decoded = allocate(count * item, 'the decoded elements', source)
  const write = wire === WIRE.varint ? varintWriter(decoded, dtype) : undefined
  let at = 0
  for (let i = 0; i < count; i++) {
    if (tag !== undefined && coded[at++] !== tag) throw tooFew(source, elements, i)
    const end = write ? endOfVarint(coded, at) : at + item
    if (end === undefined || end > length) throw tooFew(source, elements, i)
    if (!write) decoded.set(coded.subarray(at, end), i * item)
    else if (!write(i, lowBits(coded, at, end), highBits(coded, at, end))) {
      throw brokenTensor(source, 'bad-storage', `element ${i} is no number of ${dtype}`, start + at)
    }
    at = end
  }
  if (at === length) return decoded
  throw tooMany(source, elements, start + at)
}

function tooMany(source: ByteSource, { count }: CodedElements, offset: number): GoldenLogitsError {
  return brokenTensor(source, 'bad-storage', `its shape calls for ${count} elements, and it has more`, offset)
}

function tooFew(source: ByteSource, { start, count }: CodedElements, index: number): GoldenLogitsError {
  const problem = `its shape calls for ${count} elements, but element ${index} is missing, cut short or over 64 bits`
  return brokenTensor(source, 'bad-storage', problem, start)
}

/** @returns a function that stores the element at an index, or returns false if the dtype has no such number */
function varintWriter(decoded: Uint8Array, dtype: Dtype): (index: number, low: number, high: number) => boolean {
  const view = new DataView(decoded.buffer, decoded.byteOffset, decoded.length)
  const range = RANGES[dtype]
  if (!range) {
    return (index, low, high) => {
      view.setInt32(8 * index, low, true)
      view.setInt32(8 * index + 4, high, true)
      return true
    }
  }
  const [least, largest] = range
  const item = itemSize(dtype)
  return (index, low, high) => {
    // Protocol buffers extend the sign of a negative number to 64 bits.
    const value = high === 0 ? low >>> 0 : high === -1 ? low - (low >= 0 ? 2 ** 32 : 0) : Number.NaN
    if (!(value >= least && value <= largest)) return false
    if (item === 1) view.setInt8(index, low)
    else if (item === 2) view.setInt16(2 * index, low, true)
    else view.setInt32(4 * index, low, true)
    return true
  }
}

/** The offset after the varint at `at`; undefined if it does not end within the bytes, or has more than 64 bits. */
function endOfVarint(bytes: Uint8Array, at: number): number | undefined {
  for (let i = 0; i < VARINT_BYTES && at + i < bytes.length; i++) {
    if (bytes[at + i]! < 0x80) return i === VARINT_BYTES - 1 && bytes[at + i]! > 1 ? undefined : at + i + 1
  }
  return undefined
}

/** Bits 0 to 31 of a varint, as int32. */
function lowBits(bytes: Uint8Array, at: number, end: number): number {
  let bits = 0
  for (let i = 0; i < 5 && at + i < end; i++) bits |= (bytes[at + i]! & 0x7f) << (7 * i)
  return bits
}

/** Bits 32 to 63. */
function highBits(bytes: Uint8Array, at: number, end: number): number {
  let bits = at + 4 < end ? (bytes[at + 4]! & 0x7f) >> 4 : 0
  for (let i = 5; i < 10 && at + i < end; i++) bits |= (bytes[at + i]! & 0x7f) << (7 * i - 32)
  return bits
}
