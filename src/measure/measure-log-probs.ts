import type { RowKernel } from '../metrics/kernel.js'
import { type KnownIds, knownOf } from '../metrics/known-ids.js'
import { klBounds, type LogProbs, logProbsOf, UNSEEN_NATS } from '../metrics/log-probs.js'
import { countNonFinite, type RowScan, scanRow, softmaxMass } from '../metrics/row-scan.js'
import type { NonFinite, RowComparison, RowStats } from '../metrics/types.js'
import { exactRow, type Row } from '../tensor/widen.js'
import { beyondVocabulary, boundKnown } from './measure-known.js'
import type { BoundedRows } from './outcome.js'
import { planOneSide, readPlan, roomOf, unequalReason } from './ranks.js'
import type { KnownIdsRow, LogProbRow, PreparedRow } from './row-source.js'
import type { VocabCut } from './vocab-cut.js'

type AnyRow = PreparedRow | LogProbRow | KnownIdsRow

/** A whole row: logits, or log-probabilities already. */
type WholeRow = { readonly logits: Row } | { readonly logProbs: LogProbs }

/** One side's row, or what is known of it. */
type EitherRow = WholeRow | { readonly known: KnownIds }

/** What was read of one side. */
type ReadRow = EitherRow & { readonly width?: number; readonly columns: number; readonly mass: number }

/** The two rows of a pair, measured. */
interface MeasuredLogProbs {
  readonly rows: RowComparison | BoundedRows
  /** The vocabulary size; undefined if both sides list some ids only. */
  readonly count: number | undefined
  readonly cut: VocabCut | undefined
}

/**
 * Reads two rows of which at least one holds log-probabilities, and compares them.
 * @param vocabSize cuts columns off a row of logits. Columns of log-probabilities cannot be cut: the rest would not sum to 1
 * @returns undefined if a row turned out not to lie where it was assumed
 */
export function measureLogProbs(
  golden: AnyRow,
  dump: AnyRow,
  vocabSize: number | undefined,
  kernel: RowKernel,
): MeasuredLogProbs | { readonly reason: string } | undefined {
  const g = readRow('golden', golden, vocabSize, kernel)
  const d = readRow('dump', dump, vocabSize, kernel)
  if (!g || !d) return undefined
  if ('reason' in g) return g
  if ('reason' in d) return d
  const count = g.width ?? d.width
  if (g.width === undefined || d.width === undefined) {
    const reason = beyondVocabulary(g, d)
    if (reason !== undefined) return { reason }
  } else if (g.width !== d.width) {
    const advice = `; if the side of logits pads its vocabulary, set the option vocabSize: ${Math.min(g.width, d.width)}`
    const isAssumed = (row: AnyRow) => row.kind === 'row' && row.assumed
    if (isAssumed(golden) || isAssumed(dump)) return undefined
    return {
      reason: `vocabulary sizes differ: golden ${g.width}, dump ${d.width}${vocabSize === undefined ? advice : ''}`,
    }
  }
  const cut = { goldenColumns: g.columns, goldenMass: g.mass, dumpColumns: d.columns, dumpMass: d.mass }
  return { rows: compareLogProbs(g, d), count, cut: g.columns + d.columns > 0 ? cut : undefined }
}

/** Reads the row of one side. @returns undefined if it turned out not to lie where it was assumed */
function readRow(
  side: 'golden' | 'dump',
  row: AnyRow,
  vocabSize: number | undefined,
  kernel: RowKernel,
): ReadRow | { readonly reason: string } | undefined {
  if (row.kind === 'known-ids') return { known: row.known, columns: 0, mass: 0 }
  if (row.kind === 'log-probs') return { logProbs: row.read(), width: row.width, columns: 0, mass: 0 }
  const plan = planOneSide(row, vocabSize)
  if ('reason' in plan) return row.assumed ? undefined : plan
  const buffer = kernel.reserve(roomOf(plan), 0).golden
  const start = readPlan(plan, buffer)
  if (start === undefined) return undefined
  const reason = unequalReason(side, row, plan, buffer, start)
  if (reason !== undefined) return { reason: `${side}: ${reason}` }
  const all = exactRow(buffer.subarray(start), row.dtype, plan.width)
  const width = Math.min(vocabSize ?? plan.width, plan.width)
  const mass = width === plan.width ? 0 : softmaxMass(all, (id) => id >= width)
  return { logits: all.subarray(0, width), width, columns: plan.width - width, mass }
}

/**
 * Compares two rows of which at least one holds log-probabilities. The cosine similarity of logits is not known: softmax does not
 * show a shift of all logits.
 */
function compareLogProbs(golden: EitherRow, dump: EitherRow): RowComparison | BoundedRows {
  const problem = problemOf(golden, dump)
  if (problem) return problem
  if ('known' in golden || 'known' in dump) return boundKnown(knownIn(golden), knownIn(dump))
  const [g, d] = [logProbsIn(golden), logProbsIn(dump)]
  const { lo, hi, estimate, atFloor } = klBounds(g, d)
  const [goldenScan, dumpScan] = [scanLogs(g), scanLogs(d)]
  return {
    kind: 'bounded',
    bounds: { klDivergence: { lo, hi } },
    klDivergence: estimate,
    ...(atFloor > 0 && { assumes: `no vocab id at the floor of a row moved by over ${UNSEEN_NATS} nat` }),
    advice: 'rows of a .kld file cannot decide it: compare logits, or set a limit outside of that range',
    golden: statsOf(g, goldenScan, dumpScan.top1),
    dump: statsOf(d, dumpScan, goldenScan.top1),
  }
}

function scanLogs(row: LogProbs): RowScan {
  return row.coded ? row.coded.scan : scanRow(row.logs, row.logs.length)
}

function statsOf(row: LogProbs, scan: RowScan, otherTop1: number): RowStats {
  return { ...scan, logitAtOtherTop1: row.coded ? row.coded.logAt(otherTop1) : row.logs[otherTop1]! }
}

function logProbsIn(row: WholeRow): LogProbs {
  return 'logits' in row ? logProbsOf(row.logits) : row.logProbs
}

function knownIn(row: EitherRow): KnownIds {
  return 'known' in row ? row.known : knownOf(logProbsIn(row))
}

/** What makes a row of logits useless: NaN, +Inf, or −Inf throughout. */
function problemOf(golden: EitherRow, dump: EitherRow): RowComparison | undefined {
  const [g, d] = [nonFiniteIn(golden), nonFiniteIn(dump)]
  if (g.firstVocabId >= 0 || d.firstVocabId >= 0) return { kind: 'non-finite', golden: g, dump: d }
  if (isEmpty(golden)) return { kind: 'no-support', side: 'golden' }
  return isEmpty(dump) ? { kind: 'no-support', side: 'dump' } : undefined
}

function nonFiniteIn(row: EitherRow): NonFinite {
  const logits = 'logits' in row ? row.logits : NO_LOGITS
  return countNonFinite(logits, logits.length)
}

const NO_LOGITS = new Float32Array()

function isEmpty(row: EitherRow): boolean {
  return 'logits' in row && row.logits.every((logit) => logit === Number.NEGATIVE_INFINITY)
}
