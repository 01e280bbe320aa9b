import { areSameBytes } from '../lib/platform.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { widened } from '../tensor/widen.js'

/** How the bits of two rows of one dtype and width differ. */
export interface BitDifference {
  /** Number of elements whose bits differ. */
  readonly count: number
  /** The first of them. */
  readonly vocabId: number
  /** The values there. */
  readonly golden: number
  readonly dump: number
  /**
   * Largest distance of two differing elements, counted in numbers of their dtype (units in the last place); for integers it
   * is their difference. Elements that are NaN on a side do not count; absent if all are.
   */
  readonly ulps?: number
  /** What all differences are, if none of them is one of value: +0 and -0, or two NaN with other payloads. */
  readonly only?: 'signs of zero' | 'NaN payloads' | 'signs of zero and NaN payloads'
}

/**
 * Compares raw little-endian rows of one dtype, bit by bit.
 * @param golden as many bytes as `dump`
 * @returns undefined if all bits are equal
 */
export function bitDifference(golden: Uint8Array, dump: Uint8Array, dtype: Dtype): BitDifference | undefined {
  const size = itemSize(dtype)
  if (areSameBytes(golden, dump)) return undefined
  const count = golden.length / size
  // Aligned copies.
  const [g, d] = [golden.slice(), dump.slice()]
  const bits = { golden: patternsOf(g, size), dump: patternsOf(d, size) }
  const values = { golden: valuesOf(g, dtype, count), dump: valuesOf(d, dtype, count) }
  const isFloat = dtype.includes('float')
  let [differing, first, zeros, payloads, farthest] = [0, -1, 0, 0, -1n]
  for (let i = 0; i < count; i++) {
    const [a, b] = [bits.golden[i]!, bits.dump[i]!]
    if (a === b) continue
    differing++
    if (first < 0) first = i
    const [x, y] = [values.golden[i]!, values.dump[i]!]
    if (Number.isNaN(x) && Number.isNaN(y)) payloads++
    else if (x === 0 && y === 0) zeros++
    if (Number.isNaN(x) || Number.isNaN(y)) continue
    const distance = placeOf(BigInt(a), size, isFloat) - placeOf(BigInt(b), size, isFloat)
    const length = distance < 0n ? -distance : distance
    if (length > farthest) farthest = length
  }
  return {
    count: differing,
    vocabId: first,
    golden: values.golden[first]!,
    dump: values.dump[first]!,
    ...(farthest >= 0n && { ulps: Number(farthest) }),
    ...onlyOf(zeros, payloads, differing),
  }
}

function onlyOf(zeros: number, payloads: number, differing: number): Pick<BitDifference, 'only'> {
  if (zeros + payloads < differing) return {}
  if (zeros === 0) return { only: 'NaN payloads' }
  return { only: payloads === 0 ? 'signs of zero' : 'signs of zero and NaN payloads' }
}

/** The differences of two parts of one row, each with its own vocab ids: the first place is that of the first part. */
export function joinedDifference(first: BitDifference, second: BitDifference): BitDifference {
  const { ulps, only: _, ...place } = first
  const farthest = Math.max(ulps ?? -1, second.ulps ?? -1)
  const kinds = [first.only, second.only]
  const isEvery = kinds.every((only) => only !== undefined)
  const has = (kind: string) => Number(kinds.some((only) => only?.includes(kind)))
  const [zeros, payloads] = [has('zero'), has('NaN')]
  return {
    ...place,
    count: first.count + second.count,
    ...(farthest >= 0 && { ulps: farthest }),
    ...(isEvery && onlyOf(zeros, payloads, zeros + payloads)),
  }
}

/** The elements as signed integers. */
function patternsOf({ buffer }: Uint8Array, size: number): Int8Array | Int16Array | Int32Array | BigInt64Array {
  if (size === 1) return new Int8Array(buffer)
  if (size === 2) return new Int16Array(buffer)
  return size === 4 ? new Int32Array(buffer) : new BigInt64Array(buffer)
}

function valuesOf(bytes: Uint8Array, dtype: Dtype, count: number): Float32Array | Float64Array {
  if (dtype === 'float64') return new Float64Array(bytes.buffer)
  return widened(bytes, dtype, count)
}

/** The place of an element among all numbers of its dtype, counted from 0: floating-point numbers are sign and magnitude. */
function placeOf(pattern: bigint, size: number, isFloat: boolean): bigint {
  if (!isFloat || pattern >= 0n) return pattern
  return -(pattern & ((1n << BigInt(8 * size - 1)) - 1n))
}
