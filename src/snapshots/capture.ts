import { nonFiniteText } from '../compare/judge.js'
import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { ReusedBytes } from '../lib/reused-bytes.js'
import { planOneSide, readPlan, roomOf, unequalReason } from '../measure/ranks.js'
import { hasLogs, type RowSource } from '../measure/row-source.js'
import { type VocabCut, vocabCut } from '../measure/vocab-cut.js'
import { informationProblem, maskedProblem } from '../metrics/information.js'
import { countNonFinite, hasNonFinite, type RowScan } from '../metrics/row-scan.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'

/** The row of one step of a dump, or why it cannot be stored. */
type Capture =
  | { kind: 'row'; dtype: Dtype; width: number; bytes: Uint8Array; fileShape: readonly number[]; cut?: VocabCut }
  | { kind: 'refused'; reason: string }

/**
 * Reads the row of a step, with all its ranks. Refused if the ranks may be parts of one vocabulary or rows of their own: a
 * snapshot would make the wrong reading permanent.
 * @param vocabSize keep only this many columns
 * @param memory for the row; if absent, it gets its own
 */
export function capture(
  step: DumpStep,
  rows: RowSource,
  vocabSize: number | undefined,
  memory = new ReusedBytes(),
): Capture {
  const prepared = rows.prepare(step, true)
  if (prepared.kind === 'partial') throw new TypeError('a dump has complete rows')
  if (prepared.kind === 'shape-mismatch') return { kind: 'refused', reason: `dump: ${prepared.reason}` }
  if (prepared.kind === 'unreadable') return { kind: 'refused', reason: prepared.reason }
  if (hasLogs(prepared)) {
    return { kind: 'refused', reason: 'it holds log-probabilities, and a snapshot keeps logits: dump the logits' }
  }
  if (prepared.kind === 'positions') {
    const reason = `it holds ${prepared.count} positions, and a snapshot keeps one row a token: load the dump with the option positions: 'last' or a number`
    return { kind: 'refused', reason }
  }
  try {
    const { dtype, fileShape } = prepared
    const plan = planOneSide(prepared, vocabSize)
    if ('reason' in plan) return { kind: 'refused', reason: plan.reason }
    const bytes = memory.take(roomOf(plan))
    const start = readPlan(plan, bytes)!
    const reason = unequalReason('dump', prepared, plan, bytes, start)
    if (reason !== undefined) return { kind: 'refused', reason }
    if (vocabSize === undefined) return { kind: 'row', dtype, width: plan.width, bytes, fileShape }
    if (vocabSize > plan.width) {
      return { kind: 'refused', reason: `vocabSize is ${vocabSize}, but the dump has ${plan.width} columns` }
    }
    const cut = vocabCut(undefined, { bytes, dtype, width: plan.width }, vocabSize)
    const columns = bytes.subarray(0, vocabSize * itemSize(dtype))
    return { kind: 'row', dtype, width: vocabSize, bytes: columns, fileShape, cut }
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    return { kind: 'refused', reason: error.message }
  } finally {
    prepared.close()
  }
}

/** Why no dump could match a row, or why it says nothing about a model; undefined if it can be stored. */
export function rowProblem(row: Float32Array, scan: RowScan): string | undefined {
  if (hasNonFinite(scan)) return nonFiniteText('it', countNonFinite(row, row.length))
  if (scan.max === Number.NEGATIVE_INFINITY) return 'every logit is -Inf'
  const part = (from: number, count: number) => row.subarray(from, from + count)
  const problem = informationProblem(scan, row.length) ?? maskedProblem(scan, row.length, part)
  return problem && `${problem}; if the token is not part of the text, leave it out with the option steps`
}
