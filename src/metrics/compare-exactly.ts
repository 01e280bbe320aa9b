import { exactRow, exceedsFloat32, type RawRow, type Row } from '../tensor/widen.js'
import { compareRows } from './compare-rows.js'
import type { RowComparison } from './types.js'

/**
 * Compares the first `count` logits of two rows in float64, if one of them holds a value that float32 would change: float64,
 * or int32 beyond 2²⁴. Kernels compute with float32 values, in which such logits could become equal.
 * @returns undefined if float32 holds all values of both rows
 */
export function compareExactly(golden: RawRow, dump: RawRow, count: number): RowComparison | undefined {
  const isExact = exceedsFloat32(golden.bytes, golden.dtype, count) || exceedsFloat32(dump.bytes, dump.dtype, count)
  return isExact ? compareRows(float64Row(golden, count), float64Row(dump, count), count) : undefined
}

/** Both rows have the same type, for which V8 makes faster code. */
function float64Row({ bytes, dtype }: RawRow, count: number): Float64Array {
  const row: Row = exactRow(bytes, dtype, count)
  return row instanceof Float64Array ? row : Float64Array.from(row)
}
