import type { RowKernel } from '../metrics/kernel.js'
import { type KnownIds, knownBounds, knownOf } from '../metrics/known-ids.js'
import { logProbsOf } from '../metrics/log-probs.js'
import type { RowComparison, RowStats } from '../metrics/types.js'
import { type MeasuredLogProbs, measureLogProbs, problemOf, readRow } from './measure-log-probs.js'
import type { BoundedRows } from './outcome.js'
import type { KnownIdsRow, LogProbRow, PreparedRow } from './row-source.js'

type AnyRow = PreparedRow | LogProbRow | KnownIdsRow

/** One side, as far as it is known. `width`: the vocabulary size, unless only some ids are known. */
interface Side {
  readonly known: KnownIds
  readonly width?: number
  /** What makes a row of logits useless. */
  readonly problem?: RowComparison | undefined
  readonly columns: number
  readonly mass: number
}

/** Measures two rows of which at least one holds log-probabilities, of all ids or of some. */
export function measureLogs(
  golden: AnyRow,
  dump: AnyRow,
  vocabSize: number | undefined,
  kernel: RowKernel,
): MeasuredLogProbs | { readonly reason: string } | undefined {
  return golden.kind === 'known-ids' || dump.kind === 'known-ids'
    ? measureKnown(golden, dump, vocabSize, kernel)
    : measureLogProbs(golden, dump, vocabSize, kernel)
}

/**
 * Reads two rows of which at least one lists some vocab ids only, and bounds what they say of each other.
 * @param vocabSize cuts columns off a row of logits
 * @returns undefined if a row turned out not to lie where it was assumed
 */
function measureKnown(
  golden: AnyRow,
  dump: AnyRow,
  vocabSize: number | undefined,
  kernel: RowKernel,
): MeasuredLogProbs | { readonly reason: string } | undefined {
  const g = sideOf('golden', golden, vocabSize, kernel)
  const d = sideOf('dump', dump, vocabSize, kernel)
  if (!g || !d) return undefined
  if ('reason' in g) return g
  if ('reason' in d) return d
  const count = g.width ?? d.width
  const beyond = beyondOf(g, d)
  if (beyond !== undefined) return { reason: beyond }
  const cut = { goldenColumns: g.columns, goldenMass: g.mass, dumpColumns: d.columns, dumpMass: d.mass }
  const rows = g.problem ?? d.problem ?? boundKnown(g.known, d.known)
  return { rows, ...(count !== undefined && { count }), ...(g.columns + d.columns > 0 && { cut }) }
}

function sideOf(
  name: 'golden' | 'dump',
  row: AnyRow,
  vocabSize: number | undefined,
  kernel: RowKernel,
): Side | { readonly reason: string } | undefined {
  if (row.kind === 'known-ids') return { known: row.known, columns: 0, mass: 0 }
  const read = readRow(name, row, vocabSize, kernel)
  if (!read || 'reason' in read) return read
  const { width, columns, mass } = read
  if ('logProbs' in read) return { known: knownOf(read.logProbs), width, columns, mass }
  const problem = name === 'golden' ? problemOf(read, undefined) : problemOf(undefined, read)
  if (problem) return { known: NONE, width, columns, mass, problem }
  return { known: knownOf(logProbsOf(read.logits)), width, columns, mass }
}

const NONE: KnownIds = { ids: new Int32Array(), logs: new Float64Array(), error: 0, hasTop: false, cap: 0 }

/** Why two rows are of different vocabularies. */
function beyondOf(golden: Side, dump: Side): string | undefined {
  for (const [name, one, other, width] of [
    ['golden', golden, 'dump', dump.width] as const,
    ['dump', dump, 'golden', golden.width] as const,
  ]) {
    const highest = one.known.ids.at(-1)
    if (width !== undefined && one.width === undefined && highest !== undefined && highest >= width) {
      return `the ${name} lists vocab id ${highest}, and the ${other} has ${width} columns`
    }
  }
  return undefined
}

/** How far each id that is not listed may have moved, for the number that is printed beside the bounds. */
const ASSUMED_NATS = 0.1

function boundKnown(golden: KnownIds, dump: KnownIds): BoundedRows {
  const bounds = knownBounds(golden, dump)
  const { klDivergence, totalVariation, jensenShannon, known, knownKl, goldenRest } = bounds
  const most = Math.max(0, knownKl + goldenRest * ASSUMED_NATS)
  const beyond = `the vocab ids that both sides list are ${known}, the others hold ${goldenRest.toPrecision(3)} of the golden's probability`
  const assumed = `if none of those moved by over ${ASSUMED_NATS} nat, KL divergence is at most ${most.toPrecision(4)}`
  return {
    kind: 'bounded',
    bounds: { klDivergence, totalVariation, jensenShannonDivergence: jensenShannon },
    advice: `${beyond}: nothing bounds KL divergence from above (${assumed}); set a limit for totalVariation, or compare whole rows`,
    known: { ids: known, rest: goldenRest },
    golden: topOf(golden, dump),
    dump: topOf(dump, golden),
  }
}

function topOf(one: KnownIds, other: KnownIds): Partial<RowStats> {
  const top = indexOfTop(one)
  if (!one.hasTop || top < 0) return {}
  const otherTop = other.hasTop ? other.ids[indexOfTop(other)]! : -1
  const at = one.ids.indexOf(otherTop)
  const log = one.logs[top]!
  return { top1: one.ids[top]!, top1Logit: log, max: log, ...(at >= 0 && { logitAtOtherTop1: one.logs[at]! }) }
}

function indexOfTop({ logs }: KnownIds): number {
  let top = logs.length > 0 ? 0 : -1
  for (let i = 1; i < logs.length; i++) if (logs[i]! > logs[top]!) top = i
  return top
}
