import { areSameBytes } from '../../lib/platform.js'
import { itemSize } from '../../tensor/dtype.js'
import type { LazyTensor } from '../../tensor/tensor.js'
import { elements, rowsOf, widthOf } from './derived-tensors.js'

/** Rows that are read of each tensor. */
const MOST_ROWS = 64

/** How two tensors of equal width agree in the last rows that both hold. */
interface Agreement {
  /** ‖b − a‖ / ‖a‖ over all these rows; Infinity if only `a` is zero or a number is not finite. */
  readonly distance: number
  readonly cosine: number
  /** ‖b‖ / ‖a‖ */
  readonly ratio: number
}

export function agreementOf(a: LazyTensor, b: LazyTensor): Agreement {
  const width = widthOf(a)
  const rows = Math.min(MOST_ROWS, rowsOf(a), rowsOf(b))
  const count = rows * width
  const [left, right] = [elements(a, a.length - count, count), elements(b, b.length - count, count)]
  let [aa, bb, ab, dd] = [0, 0, 0, 0]
  for (let i = 0; i < left.length; i++) {
    const [x, y] = [left[i]!, right[i]!]
    aa += x * x
    bb += y * y
    ab += x * y
    dd += (y - x) * (y - x)
  }
  if (!Number.isFinite(aa + bb)) return { distance: Infinity, cosine: 0, ratio: Number.NaN }
  const distance = dd === 0 ? 0 : Math.sqrt(dd / aa)
  return { distance, cosine: aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : dd === 0 ? 1 : 0, ratio: Math.sqrt(bb / aa) }
}

/** Elements that are compared at a time. */
const CHUNK = 1 << 18

/** Do both hold the same bytes? Stops at the first part that differs. */
export function areEqual(a: LazyTensor, b: LazyTensor): boolean {
  if (a.dtype !== b.dtype || a.length !== b.length || String(a.shape) !== String(b.shape)) return false
  const size = itemSize(a.dtype)
  for (let start = 0; start < a.length; start += CHUNK) {
    const count = Math.min(CHUNK, a.length - start)
    const [left, right] = [new Uint8Array(count * size), new Uint8Array(count * size)]
    a.readRaw(start, count, left)
    b.readRaw(start, count, right)
    if (!areSameBytes(left, right)) return false
  }
  return true
}
