import type { ReusedBytes } from '../lib/reused-bytes.js'
import type { BoundedRows } from '../measure/outcome.js'
import { type PartialRow, rowPart } from '../measure/row-source.js'
import { compareRows } from '../metrics/compare-rows.js'
import { countNonFinite, hasNonFinite, type RowScan } from '../metrics/row-scan.js'
import { quickScan } from '../metrics/sketches/index.js'
import type { RowComparison } from '../metrics/types.js'
import { widened } from '../tensor/widen.js'
import { boundCompact } from './compact/bound.js'
import { dumpFacts } from './compact/dump-facts.js'
import { estimateNoise } from './compact/estimate-noise.js'
import { ROUNDING } from './compact/interval.js'
import { type CompactRow, ROOT_STEP } from './compact/types.js'
import { rowDigest } from './digests.js'
import type { SnapshotToken } from './types.js'

/**
 * The row of a token of a compact snapshot: it compares another row itself.
 * @param file the snapshot's @param memory for the other row
 */
export function compactRow(token: SnapshotToken, compact: CompactRow, file: string, memory: ReusedBytes): PartialRow {
  const { dtype, width } = token
  return {
    kind: 'partial',
    dtype,
    fileShape: [1, width],
    notes: [],
    parts: [rowPart(file, dtype, width, unreadable)],
    compare: ({ bytes, dtype, width }) => compareCompact(compact, token, widened(bytes, dtype, width, memory)),
  }
}

function unreadable(): never {
  throw new TypeError('a compact row is known in part only')
}

/** Bounds the metrics of a row, given the compact form of the golden's; measures them if both rows are the same. */
function compareCompact(compact: CompactRow, token: SnapshotToken, row: Float32Array): RowComparison | BoundedRows {
  const scan = quickScan(row)
  if (hasNonFinite(scan)) {
    const golden = { nan: 0, positiveInfinity: 0, firstVocabId: -1 }
    return { kind: 'non-finite', golden, dump: countNonFinite(row, row.length) }
  }
  if (scan.max === Number.NEGATIVE_INFINITY) return { kind: 'no-support', side: 'dump' }
  if (mayBeSame(compact, scan) && rowDigest(row) === token.digest) return compareRows(row, row, row.length)
  const { top1, top1Logit } = token
  const logit = listedLogit(compact, scan.top1)
  const facts = dumpFacts(compact, row)
  const bounds = boundCompact(compact, row, facts)
  const noise = estimateNoise(compact, facts)
  return {
    kind: 'bounded',
    bounds,
    ...(noise && { noise }),
    golden: { top1, top1Logit, ...(logit !== undefined && { logitAtOtherTop1: logit }) },
    dump: { ...scan, logitAtOtherTop1: row[top1]! },
  }
}

/** False if the row differs from the golden's for sure. A digest takes as long as half a plain comparison. */
function mayBeSame({ count, top1, suppressed, moments }: CompactRow, scan: RowScan): boolean {
  if (scan.top1 !== top1) return false
  const difference = Math.abs(scan.mean * count - moments.sum)
  return suppressed > 0 || difference <= ROUNDING * Math.sqrt(count * moments.squares)
}

/** A logit that the compact row lists, to a thousandth if it is among the highest. */
function listedLogit({ ids, roots, logSumExp }: CompactRow, vocabId: number): number | undefined {
  const at = ids.indexOf(vocabId)
  return at < 0 ? undefined : 2 * Math.log(roots[at]! * ROOT_STEP) + logSumExp
}
