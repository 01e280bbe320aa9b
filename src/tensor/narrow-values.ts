import type { Dtype } from './dtype.js'
import { viewOf } from './widen.js'

/**
 * Rounding leaves the last bit of half the values set. Of numbers on an even grid, which fit every type (whole numbers, multiples
 * of 1/8), at most a quarter have it.
 */
const LEAST_SHARE = 3 / 8

/** Fewer values may be numbers of a narrower type by chance. */
const LEAST_VALUES = 64

const SMALLEST_NORMAL_FLOAT16 = 2 ** -14
const LARGEST_FLOAT16 = 65504

/**
 * The type that a float32 row was saved from if all its values are numbers of that type: bfloat16 has 16 zero bits at the end, of
 * which float32 values have as many by chance once in 65,536. Reads one or two values of most other rows.
 * @returns undefined for other dtypes, for fewer than 64 values, and for values such as whole numbers, which fit every type
 */
export function narrowDtype(bytes: Uint8Array, dtype: Dtype, count: number): 'bfloat16' | 'float16' | undefined {
  if (dtype !== 'float32' || count < LEAST_VALUES) return undefined
  const bits = viewOf(Uint32Array, bytes, count)
  if (areBfloat16(bits) && useBit(bits, 16)) return 'bfloat16'
  const values = new Float32Array(bits.buffer, bits.byteOffset, count)
  return areFloat16(bits, values) && useBit(bits, 13) ? 'float16' : undefined
}

/** Whether the finite values use their last bit as rounded ones do. */
function useBit(bits: Uint32Array, last: number): boolean {
  let [set, finite] = [0, 0]
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!
    if ((word & 0x7fffffff) === 0 || (word & 0x7f800000) === 0x7f800000) continue
    finite++
    set += (word >>> last) & 1
  }
  return finite >= LEAST_VALUES / 2 && set >= LEAST_SHARE * finite
}

function areBfloat16(bits: Uint32Array): boolean {
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0xffff) !== 0) return false
  return true
}

function areFloat16(bits: Uint32Array, values: Float32Array): boolean {
  for (let i = 0; i < bits.length; i++) {
    const size = Math.abs(values[i]!)
    const isFloat16 =
      size < SMALLEST_NORMAL_FLOAT16
        ? Number.isInteger(size * 2 ** 24)
        : (bits[i]! & 0x1fff) === 0 && (size <= LARGEST_FLOAT16 || size === Number.POSITIVE_INFINITY)
    if (!isFloat16) return false
  }
  return true
}
