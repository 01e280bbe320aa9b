import { type Dtype, itemSize } from './dtype.js'
import { exactRow, type Row, viewOf, widened } from './widen.js'

/** The indices of `most` of `count` columns at even distances, or of all if there are no more. */
export function sampledColumns(count: number, most: number): Uint32Array {
  const columns = new Uint32Array(Math.min(count, most))
  for (let i = 0; i < columns.length; i++) columns[i] = Math.floor((i * count) / columns.length)
  return columns
}

/** Some columns of what `exactRow` returns. */
export function sampledRow(bytes: Uint8Array, dtype: Dtype, count: number, columns: Uint32Array): Row {
  const size = itemSize(dtype)
  if (size !== 2 && size !== 4) {
    const row = exactRow(bytes, dtype, count)
    return Float64Array.from(columns, (column) => row[column]!)
  }
  const source = size === 2 ? viewOf(Uint16Array, bytes, count) : viewOf(Uint32Array, bytes, count)
  const picked = size === 2 ? new Uint16Array(columns.length) : new Uint32Array(columns.length)
  for (let i = 0; i < columns.length; i++) picked[i] = source[columns[i]!]!
  return exactRow(new Uint8Array(picked.buffer), dtype, columns.length)
}

/** The elements above `floor`, in the order of the columns. Few of many are found without converting all of them. */
export function elementsAbove(bytes: Uint8Array, dtype: Dtype, count: number, floor: number): Row {
  if (dtype === 'float16' || dtype === 'bfloat16') {
    const halves = viewOf(Int16Array, bytes, count)
    const picked = halvesAbove(halves, orderOf(floor, dtype))
    return widened(new Uint8Array(picked.buffer), dtype, picked.length)
  }
  const row = dtype === 'float32' ? viewOf(Float32Array, bytes, count) : exactRow(bytes, dtype, count)
  const picked: number[] = []
  for (let i = 0; i < count; i++) if (row[i]! > floor) picked.push(row[i]!)
  return row instanceof Float32Array ? new Float32Array(picked) : new Float64Array(picked)
}

/** The elements that are above `order` in the order of the numbers. */
function halvesAbove(halves: Int16Array, order: number): Int16Array<ArrayBuffer> {
  const picked: number[] = []
  const add = (bits: number) => {
    if (ordered(bits) > order) picked.push(bits)
  }
  // Two at a time from an address of whole 32 bits.
  const start = halves.byteOffset % 4 === 0 ? 0 : 1
  const pairs = new Int32Array(halves.buffer, halves.byteOffset + 2 * start, (halves.length - start) >> 1)
  if (start === 1) add(halves[0]!)
  addPairsAbove(pairs, order, add)
  if (start + 2 * pairs.length < halves.length) add(halves[halves.length - 1]!)
  return new Int16Array(picked)
}

const SIGNS = 0x8000_8000 | 0
const MAGNITUDES = 0x7fff_7fff

/**
 * Adds both halves of each pair that may have one above `order`. One subtraction compares both magnitudes with a number, and
 * leaves the answers in the places of the signs: nothing is borrowed from the other half.
 */
function addPairsAbove(pairs: Int32Array, order: number, add: (bits: number) => void): void {
  const { length } = pairs
  const both = (bits: number) => Math.imul(bits, 0x1_0001)
  if (order >= 0) {
    // Positive, and of a magnitude above `order`.
    const least = both(0x8000 - (order + 1))
    for (let i = 0; i < length; i++) {
      const pair = pairs[i]!
      if ((((pair & MAGNITUDES) + least) & ~pair & SIGNS) !== 0) {
        add((pair << 16) >> 16)
        add(pair >> 16)
      }
    }
  } else {
    // Positive, or of a magnitude below that of `order`.
    const most = both(0x8000 + ~order - 1)
    for (let i = 0; i < length; i++) {
      const pair = pairs[i]!
      if (((most - (pair & MAGNITUDES)) | ~pair) & SIGNS) {
        add((pair << 16) >> 16)
        add(pair >> 16)
      }
    }
  }
}

/** Inverts the bits of negative numbers: as integers, they are then in the order of the numbers. */
function ordered(bits: number): number {
  return bits ^ ((bits >> 15) & 0x7fff)
}

/** The place in that order of the largest number that is at most `floor`, −Infinity included. */
function orderOf(floor: number, dtype: Dtype): number {
  const valueAt = (order: number) => widened(new Uint8Array(Int16Array.of(ordered(order)).buffer), dtype, 1)[0]!
  // Between the bits of −Infinity and the bits of Infinity: beyond them is NaN.
  const infinity = dtype === 'float16' ? 0x7c00 : 0x7f80
  let [low, high] = [~infinity, infinity]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (valueAt(middle) <= floor) low = middle
    else high = middle - 1
  }
  return low
}
