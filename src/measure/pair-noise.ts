import { coarserOf, type Precision, precisionOf } from '../metrics/precision.js'
import { type Columns, type RowNoise, rowNoise } from '../metrics/row-noise.js'
import type { MeasuredRows } from '../metrics/types.js'
import { elementsAbove, sampledColumns, sampledRow } from '../tensor/sampled-row.js'
import { exactRow, type RawRow, type Row } from '../tensor/widen.js'
import type { SideFacts } from './outcome.js'

/**
 * The noise of a measured pair whose rows are still in memory.
 * @param asked the option `dtype`; the coarser dtype that the two rows were computed in if it is left out
 * @returns undefined if both rows hold integers, which show no precision
 */
export function pairNoise(
  rows: MeasuredRows,
  columns: PairColumns,
  sides: { readonly golden: SideFacts; readonly dump: SideFacts },
  asked: Precision | undefined,
): RowNoise | undefined {
  const golden = sides.golden.savedFrom ?? columns.goldenRow.dtype
  const dump = sides.dump.savedFrom ?? columns.dumpRow.dtype
  const precision = asked ?? coarserOf(golden, dump)
  return precision && rowNoise(rows, columns, precision, precisionOf(golden))
}

/** The first `count` columns of two rows. A class, since one is made for every pair. */
export class PairColumns implements Columns {
  readonly goldenRow: RawRow
  readonly dumpRow: RawRow
  readonly count: number

  constructor(goldenRow: RawRow, dumpRow: RawRow, count: number) {
    this.goldenRow = goldenRow
    this.dumpRow = dumpRow
    this.count = count
  }

  golden(): Row {
    return exactRow(this.goldenRow.bytes, this.goldenRow.dtype, this.count)
  }

  dump(): Row {
    return exactRow(this.dumpRow.bytes, this.dumpRow.dtype, this.count)
  }

  goldenAbove(floor: number): Row {
    return elementsAbove(this.goldenRow.bytes, this.goldenRow.dtype, this.count, floor)
  }

  sample(most: number): readonly [golden: Row, dump: Row] {
    const ids = sampledColumns(this.count, most)
    const of = ({ bytes, dtype }: RawRow) => sampledRow(bytes, dtype, this.count, ids)
    return [of(this.goldenRow), of(this.dumpRow)]
  }
}
