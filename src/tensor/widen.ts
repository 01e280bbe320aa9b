import type { ReusedBytes } from '../lib/reused-bytes.js'
import type { Dtype } from './dtype.js'

/** A view of `count` elements at the front of `bytes`, which are copied only if they are not aligned. */
export function viewOf<T>(
  View: { new (buffer: ArrayBufferLike, offset: number, length: number): T; readonly BYTES_PER_ELEMENT: number },
  bytes: Uint8Array,
  count: number,
): T {
  const aligned = bytes.byteOffset % View.BYTES_PER_ELEMENT === 0
  const source = aligned ? bytes : bytes.slice(0, count * View.BYTES_PER_ELEMENT)
  return new View(source.buffer, source.byteOffset, count)
}

/** The exponent biases of float32 and float16 differ by 112. */
const REBIAS = 112 << 23

function widenFloat16(halves: Uint16Array, into: Float32Array): void {
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length)
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!
    const magnitude = half & 0x7fff
    if (magnitude < 0x0400) {
      into[i] = (half & 0x8000 ? -magnitude : magnitude) * 2 ** -24
      if (half === 0x8000) into[i] = -0
      continue
    }
    const rebias = magnitude >= 0x7c00 ? 2 * REBIAS : REBIAS
    bits[i] = ((half & 0x8000) << 16) | ((magnitude << 13) + rebias)
  }
}

function widenBfloat16(halves: Uint16Array, into: Float32Array): void {
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length)
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
}

/**
 * int64 or uint64 → float32, rounded once. Beyond 2⁵³, the low 12 bits are first replaced by one sticky bit. Then float64
 * represents the number exactly, and the sticky bit, far below the last bit of float32, only prevents a false tie.
 */
function narrowInt64(words: Uint32Array, into: Float32Array, signed: boolean): void {
  for (let i = 0; i < into.length; i++) {
    const low = words[2 * i]!
    const high = signed ? words[2 * i + 1]! | 0 : words[2 * i + 1]!
    const small = high >= -0x200000 && high < 0x200000
    const bits = small ? low : (low & ~0xfff) | (low & 0xfff ? 0x800 : 0)
    into[i] = high * 2 ** 32 + (bits >>> 0)
  }
}

/** Element types that `Float32Array.set` converts correctly: rounded once, to nearest even. */
const ASSIGNABLE = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
}

/**
 * The first `into.length` raw little-endian elements of `bytes`, each rounded once to float32. float16 and bfloat16
 * widen exactly; float64 beyond the range of float32 becomes ±Infinity; a bool is 1 unless its byte is 0.
 */
export function widen(bytes: Uint8Array, dtype: Dtype, into: Float32Array): void {
  const count = into.length
  if (dtype === 'float16') widenFloat16(viewOf(Uint16Array, bytes, count), into)
  else if (dtype === 'bfloat16') widenBfloat16(viewOf(Uint16Array, bytes, count), into)
  else if (dtype === 'int64' || dtype === 'uint64')
    narrowInt64(viewOf(Uint32Array, bytes, 2 * count), into, dtype === 'int64')
  else if (dtype === 'bool') for (let i = 0; i < count; i++) into[i] = bytes[i] === 0 ? 0 : 1
  else into.set(viewOf<Float32Array | Float64Array | Int32Array>(ASSIGNABLE[dtype] as typeof Int32Array, bytes, count))
}

/** A row in memory: raw little-endian elements at the front of `bytes`. */
export interface RawRow {
  readonly bytes: Uint8Array
  readonly dtype: Dtype
  readonly width: number
}

/** A row of numbers to compute with. */
export type Row = Float32Array | Float64Array

/** Dtypes with values that float32 cannot hold. int64 is not among them: it is no dtype of logits. */
export function isWide(dtype: Dtype): dtype is 'float64' | 'int32' {
  return dtype === 'float64' || dtype === 'int32'
}

/** Whether float32 would change one of the first `count` elements of `bytes`. NaN counts as NaN. */
export function exceedsFloat32(bytes: Uint8Array, dtype: Dtype, count: number): boolean {
  if (!isWide(dtype)) return false
  const values = viewOf<Float64Array | Int32Array>(ASSIGNABLE[dtype] as typeof Int32Array, bytes, count)
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    if (Math.fround(value) !== value && !Number.isNaN(value)) return true
  }
  return false
}

/** Logits that float32 moves by less than this keep their probabilities for all that matters. */
const MOST_MOVED = 1e-4

/** Whether float32 would move one of the first `count` elements of `bytes` by so much that it is another logit. */
export function movesLogits(bytes: Uint8Array, dtype: Dtype, count: number): boolean {
  if (!exceedsFloat32(bytes, dtype, count)) return false
  return exactRow(bytes, dtype, count).some((value) => Math.abs(Math.fround(value) - value) > MOST_MOVED)
}

/** The first `count` elements of `bytes` as they are: in float64 if their dtype has values that float32 cannot hold. */
export function exactRow(bytes: Uint8Array, dtype: Dtype, count: number): Row {
  if (isWide(dtype)) {
    return Float64Array.from(viewOf<Float64Array | Int32Array>(ASSIGNABLE[dtype] as typeof Int32Array, bytes, count))
  }
  return widened(bytes, dtype, count)
}

/** The first `count` elements as a new array, or in `memory`: see `widen`. */
export function widened(
  bytes: Uint8Array,
  dtype: Dtype,
  count: number,
  memory?: ReusedBytes,
): Float32Array<ArrayBuffer> {
  const values = memory ? new Float32Array(memory.take(4 * count).buffer, 0, count) : new Float32Array(count)
  widen(bytes, dtype, values)
  return values
}
