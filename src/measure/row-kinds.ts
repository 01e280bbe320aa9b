import { areLogProbabilities, maskedProblem } from '../metrics/information.js'
import type { MeasuredRows, RowStats } from '../metrics/types.js'
import { itemSize } from '../tensor/dtype.js'
import { exactRow, type RawRow } from '../tensor/widen.js'
import type { Outcome } from './outcome.js'

/** Marks the sides that hold log-probabilities. @returns the notes, and one for each of these sides */
export function withKinds(
  { notes, ...sides }: Pick<Outcome, 'golden' | 'dump' | 'notes'>,
  rows: MeasuredRows,
  golden: RawRow,
  dump: RawRow,
  count: number,
): readonly string[] {
  const kinds: string[] = []
  for (const [name, { bytes, dtype }] of [['golden', golden] as const, ['dump', dump] as const]) {
    if (!areLogProbabilities(rows[name].max, () => exactRow(bytes, dtype, count))) continue
    sides[name].kind = 'log-probabilities'
    kinds.push(`${name}: ${LOG_PROBABILITIES}`)
  }
  return [...notes, ...kinds]
}

/** Whether a row may hold log-probabilities: hardly any row of logits has negative values alone. */
export function mayBeLogProbabilities({ golden, dump }: MeasuredRows): boolean {
  return golden.max < 0 || dump.max < 0
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
