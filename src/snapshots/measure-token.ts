import type { PairOutcome } from '../compare/measure-pair.js'
import type { MetricBounds } from '../compare/types.js'
import { compareRows } from '../metrics/compare-rows.js'
import type { RowKernel } from '../metrics/kernel.js'
import { countNonFinite, hasNonFinite, scanRow } from '../metrics/row-scan.js'
import type { RowStats } from '../metrics/types.js'
import { widen } from '../tensor/widen.js'
import { badGolden } from './bad-golden.js'
import type { Capture } from './capture.js'
import { boundCompact } from './compact/bound.js'
import { type CompactRow, ROOT_STEP } from './compact/types.js'
import { rowDigest } from './digest.js'
import type { NpzReader } from './full/npz-reader.js'
import { goldenSide } from './golden-dump.js'
import type { Golden, GoldenToken } from './types.js'

/** What a golden says of one token of the dump: every metric, or bounds of the two that are gated. */
export type TokenOutcome =
  | { kind: 'measured'; outcome: PairOutcome }
  | { kind: 'bounded'; bounded: Bounded; outcome: PairOutcome }

/** What is known of a token whose row a compact golden bounds. */
export interface Bounded {
  readonly bounds: MetricBounds
  /** Probability of the dump's columns that the option `vocabSize` cuts off. */
  readonly cutMass: number
}

/** Measures a token against the row of a full golden. */
export function measureFull(
  golden: Golden,
  token: GoldenToken,
  captured: Capture,
  rows: NpzReader,
  kernel: RowKernel,
): TokenOutcome {
  const sides = { golden: goldenSide(golden, token), dump: captured.side, notes: captured.notes.map(ofDump) }
  if (captured.kind !== 'row')
    return { kind: 'measured', outcome: { ...sides, kind: captured.kind, reason: captured.reason } }
  const bytes = rows.row(token.step, token.dtype, token.width)
  const row = new Float32Array(token.width)
  widen(bytes, token.dtype, row)
  if (rowDigest(row) !== token.digest) {
    throw badGolden(
      golden.path,
      `the row of token ${token.step} in the .npz file beside it is not the one it was written with`,
    )
  }
  const buffers = kernel.reserve(bytes.length, captured.bytes.length)
  buffers.golden.set(bytes)
  buffers.dump.set(captured.bytes)
  const compared = kernel.compare(token.dtype, captured.dtype, token.width)
  const cut = captured.cut && { cut: captured.cut }
  return { kind: 'measured', outcome: { ...sides, kind: 'compared', rows: compared, ...cut } }
}

/** Bounds a token by the compact row of a golden; measures it exactly where the dump's row is the golden's own. */
export function measureCompact(golden: Golden, token: GoldenToken, captured: Capture): TokenOutcome {
  const sides = { golden: goldenSide(golden, token), dump: captured.side, notes: captured.notes.map(ofDump) }
  if (captured.kind !== 'row')
    return { kind: 'measured', outcome: { ...sides, kind: captured.kind, reason: captured.reason } }
  const row = new Float32Array(captured.width)
  widen(captured.bytes, captured.dtype, row)
  const cut = captured.cut && { cut: captured.cut }
  const scan = scanRow(row, row.length)
  if (hasNonFinite(scan)) {
    const sound = { nan: 0, positiveInfinity: 0, firstVocabId: -1 }
    const rows = { kind: 'non-finite' as const, golden: sound, dump: countNonFinite(row, row.length) }
    return { kind: 'measured', outcome: { ...sides, kind: 'compared', rows, ...cut } }
  }
  if (rowDigest(row) === token.digest || scan.max === Number.NEGATIVE_INFINITY) {
    const rows = compareRows(row, row, row.length)
    const answer = rows.kind === 'no-support' ? { ...rows, side: 'dump' as const } : rows
    return { kind: 'measured', outcome: { ...sides, kind: 'compared', rows: answer, ...cut } }
  }
  const stats: RowStats = { ...scan, logitAtOtherTop1: row[token.top1]! }
  Object.assign(sides.dump, stats)
  Object.assign(sides.golden, { top1: token.top1, top1Logit: token.top1Logit })
  const other = listedLogit(token.compact!, scan.top1)
  if (other !== undefined) sides.golden.logitAtOtherTop1 = other
  // To be replaced by the verdict on the bounds.
  const outcome: PairOutcome = { ...sides, kind: 'shape-mismatch', reason: 'bounded' }
  const bounded = { bounds: boundCompact(token.compact!, row), cutMass: captured.cut?.dumpMass ?? 0 }
  return { kind: 'bounded', bounded, outcome }
}

/** A logit that the golden lists, to a thousandth where it is among the highest. */
function listedLogit({ ids, roots, logSumExp }: CompactRow, vocabId: number): number | undefined {
  const at = ids.indexOf(vocabId)
  return at < 0 ? undefined : 2 * Math.log(roots[at]! * ROOT_STEP) + logSumExp
}

function ofDump(note: string): string {
  return `dump: ${note}`
}
