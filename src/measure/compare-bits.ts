import type { ManyRows } from '../dumps/locate-row.js'
import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { type BitDifference, bitDifference, joinedDifference } from '../metrics/bits.js'
import { unequalPositions } from './expand-positions.js'
import type { SideFacts } from './outcome.js'
import { totalWidth } from './ranks.js'
import { hasLogs, notesOf, type Prepared, type PreparedRow, type RowSources, readPart } from './row-source.js'

/** How the rows of one step compare bit by bit. A step may have several rows: one for each rank. */
export type BitOutcome = { golden: SideFacts; dump: SideFacts; notes: readonly string[] } & (
  | { kind: 'identical'; width: number }
  /** `difference` of all ranks; `rank`: the first that differs, if there are several. */
  | { kind: 'different'; difference: BitDifference; rank?: number; width: number }
  | { kind: 'shape-mismatch' | 'unreadable'; reason: string }
)

/** Compares the bits of one step that both sides have. Each rank is compared with the same rank of the other side. */
export function compareBits(golden: DumpStep, dump: DumpStep, sources: RowSources): BitOutcome {
  return attempt(golden, dump, sources, false) ?? attempt(golden, dump, sources, true)!
}

/** @returns undefined if a row turned out not to lie where it was assumed */
function attempt(golden: DumpStep, dump: DumpStep, sources: RowSources, thoroughly: boolean): BitOutcome | undefined {
  const g = sources.golden.prepare(golden, thoroughly)
  const d = sources.dump.prepare(dump, thoroughly)
  const facts = {
    golden: factsOf(golden, g),
    dump: factsOf(dump, d),
    notes: [...notesOf('golden', g), ...notesOf('dump', d)],
  }
  try {
    if (g.kind === 'positions' || d.kind === 'positions') {
      return { ...facts, kind: 'shape-mismatch', reason: unequalPositions(g, d) }
    }
    const failed = [problemOf('golden', g), problemOf('dump', d)].filter((problem) => problem !== undefined)
    const kind = failed.some((problem) => problem.kind === 'unreadable') ? 'unreadable' : 'shape-mismatch'
    if (failed.length > 0) return { ...facts, kind, reason: failed.map(({ reason }) => reason).join('; ') }
    return compareParts(g as PreparedRow, d as PreparedRow, facts)
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    return { ...facts, kind: 'unreadable', reason: error.message }
  } finally {
    if (g.kind === 'row') g.close()
    if (d.kind === 'row') d.close()
  }
}

function compareParts(
  golden: PreparedRow,
  dump: PreparedRow,
  facts: Pick<BitOutcome, 'golden' | 'dump' | 'notes'>,
): BitOutcome | undefined {
  const [goldenType, dumpType] = [typeOf(golden), typeOf(dump)]
  if (goldenType !== dumpType) {
    return { ...facts, kind: 'shape-mismatch', reason: `the other run has ${goldenType}, the dump ${dumpType}` }
  }
  let first: { rank: number; difference: BitDifference } | undefined
  for (let rank = 0; rank < golden.parts.length; rank++) {
    const g = readPart(golden.parts[rank]!)
    const d = readPart(dump.parts[rank]!)
    if (g === undefined || d === undefined) return undefined
    const difference = bitDifference(g, d, golden.dtype)
    if (difference === undefined) continue
    first = first ? { ...first, difference: joinedDifference(first.difference, difference) } : { rank, difference }
  }
  const width = totalWidth(golden.parts)
  if (first === undefined) return { ...facts, kind: 'identical', width }
  const rank = golden.parts.length > 1 ? { rank: first.rank } : {}
  return { ...facts, kind: 'different', difference: first.difference, ...rank, width }
}

/** `float32, 2 ranks of 640 and 640 columns`: what must be equal before bits can be compared. */
function typeOf({ dtype, parts }: PreparedRow): string {
  const widths = parts.map(({ width }) => width)
  return parts.length === 1
    ? `${dtype}, ${widths[0]} columns`
    : `${dtype}, ${parts.length} ranks of ${widths.join(', ')} columns`
}

function factsOf({ files, layer }: DumpStep, prepared: Prepared): SideFacts {
  if (prepared.kind === 'unreadable') return { files, layer }
  return { files, layer, dtype: prepared.dtype, fileShape: prepared.fileShape }
}

function problemOf(
  side: string,
  prepared: Exclude<Prepared, ManyRows>,
): { kind: 'shape-mismatch' | 'unreadable'; reason: string } | undefined {
  if (prepared.kind === 'row') return undefined
  if (prepared.kind === 'unreadable') return prepared
  const reason =
    prepared.kind === 'partial'
      ? 'its rows are known in part only'
      : hasLogs(prepared)
        ? 'its rows are rounded log-probabilities, which have other bits than the logits; dump the logits'
        : prepared.reason
  return { kind: 'shape-mismatch', reason: `${side}: ${reason}` }
}
