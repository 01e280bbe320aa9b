import { coarserOf, type Precision, precisionOf } from '../metrics/precision.js'
import { type RowNoise, rowNoise } from '../metrics/row-noise.js'
import type { MeasuredRows } from '../metrics/types.js'
import type { Dtype } from '../tensor/dtype.js'
import { exactRow, sampledColumns, sampledRow } from '../tensor/widen.js'
import type { RawRow } from './vocab-cut.js'

/** @property computedIn the dtype of the values, which may have been saved wider */
type SourceRow = RawRow & { readonly computedIn: Dtype }

/**
 * The noise of a measured pair whose rows are still in memory.
 * @param count the columns that were compared
 * @param asked the option `dtype`; the coarser dtype of the two rows if it is left out
 * @returns undefined if both rows hold integers, which show no precision
 */
export function pairNoise(
  rows: MeasuredRows,
  golden: SourceRow,
  dump: SourceRow,
  count: number,
  asked: Precision | undefined,
): RowNoise | undefined {
  const precision = asked ?? coarserOf(golden.computedIn, dump.computedIn)
  if (precision === undefined) return undefined
  const columns = {
    count,
    golden: () => exactRow(golden.bytes, golden.dtype, count),
    dump: () => exactRow(dump.bytes, dump.dtype, count),
    sample: (most: number) => {
      const ids = sampledColumns(count, most)
      return [
        sampledRow(golden.bytes, golden.dtype, count, ids),
        sampledRow(dump.bytes, dump.dtype, count, ids),
      ] as const
    },
  }
  return rowNoise(rows, columns, precision, precisionOf(golden.computedIn))
}
