import { areLogProbabilities, maskedProblem } from '../metrics/information.js'
import type { MeasuredRows, RowStats } from '../metrics/types.js'
import { itemSize } from '../tensor/dtype.js'
import { exactRow } from '../tensor/widen.js'
import type { RawRow } from './vocab-cut.js'

/** Adds to the notes which sides hold log-probabilities. */
export function withKinds(
  notes: readonly string[],
  rows: MeasuredRows,
  golden: RawRow,
  dump: RawRow,
  count: number,
): readonly string[] {
  const kinds = [
    ...(areLogProbabilities(rows.golden.max, () => exactRow(golden.bytes, golden.dtype, count))
      ? [`golden: ${LOG_PROBABILITIES}`]
      : []),
    ...(areLogProbabilities(rows.dump.max, () => exactRow(dump.bytes, dump.dtype, count))
      ? [`dump: ${LOG_PROBABILITIES}`]
      : []),
  ]
  return kinds.length === 0 ? notes : [...notes, ...kinds]
}

const LOG_PROBABILITIES =
  'the values are log-probabilities: KL divergence is that of the logits, cosine similarity is not, as it changes if a constant is added to a row'

/** Why a row with masked vocab ids says nothing about a model; undefined if it may. */
export function maskedReason(
  side: string,
  stats: RowStats,
  { bytes, dtype }: RawRow,
  width: number,
): string | undefined {
  // Integers have any range.
  if (dtype === 'int32' || dtype === 'int8') return undefined
  const size = itemSize(dtype)
  const problem = maskedProblem(stats, width, (from, count) => exactRow(bytes.subarray(from * size), dtype, count))
  return problem && `${side}: ${problem}`
}
