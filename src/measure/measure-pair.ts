import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { compareExactly } from '../metrics/compare-exactly.js'
import type { RowBuffers, RowKernel } from '../metrics/kernel.js'
import { RowPair } from '../metrics/optional/row-pair.js'
import { metricsOfRows, type OptionalKey } from '../metrics/optional/table.js'
import type { Precision } from '../metrics/precision.js'
import { softmaxMass } from '../metrics/row-scan.js'
import { GATED, type GatedKey } from '../metrics/table.js'
import type { RowComparison } from '../metrics/types.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { narrowDtype } from '../tensor/narrow-values.js'
import { isWide, movesLogits, type RawRow } from '../tensor/widen.js'
import { unequalPositions } from './expand-positions.js'
import { measureLogProbs } from './measure-log-probs.js'
import type { BoundedRows, Outcome, SeparateRanks, SideFacts } from './outcome.js'
import { PairColumns, pairNoise } from './pair-noise.js'
import { planRanks, readPlan, roomOf, totalWidth, unequalReason } from './ranks.js'
import { maskedReason, mayBeLogProbabilities, withKinds } from './row-kinds.js'
import {
  hasLogs,
  type KnownIdsRow,
  type LogProbRow,
  notesOf,
  type PartialRow,
  type Prepared,
  type PreparedRow,
  type RowSources,
} from './row-source.js'
import { type VocabCut, vocabCut } from './vocab-cut.js'

/** Everything that measuring a pair depends on, besides its two steps. */
export interface PairSetting extends RowSources {
  readonly vocabSize: number | undefined
  /** The option `dtype`. */
  readonly precision?: Precision | undefined
  /** The optional metrics that need both rows. */
  readonly keys?: readonly OptionalKey[]
  readonly kernel: RowKernel
}

/** Measures one step that both sides have: prepares both rows, reads them and compares them. The only way to an outcome. */
export function measurePair(golden: DumpStep, dump: DumpStep, setting: PairSetting): Outcome {
  return attempt(golden, dump, setting, false) ?? attempt(golden, dump, setting, true)!
}

/** @returns undefined if a row turned out not to lie where it was assumed */
function attempt(golden: DumpStep, dump: DumpStep, setting: PairSetting, thoroughly: boolean): Outcome | undefined {
  const g = setting.golden.prepare(golden, thoroughly)
  const d = setting.dump.prepare(dump, thoroughly)
  const sides: Sides = { golden: sideFacts(golden, g), dump: sideFacts(dump, d), notes: allNotes(g, d) }
  try {
    if (g.kind === 'unreadable' || d.kind === 'unreadable') {
      return failure(sides, 'unreadable', [g, d].flatMap(reasonOf).join('; '))
    }
    if (g.kind === 'shape-mismatch') return failure(sides, 'shape-mismatch', `golden: ${g.reason}`)
    if (d.kind === 'shape-mismatch') return failure(sides, 'shape-mismatch', `dump: ${d.reason}`)
    if (g.kind === 'positions' || d.kind === 'positions') {
      return failure(sides, 'shape-mismatch', unequalPositions(g, d))
    }
    if (hasLogs(g) || hasLogs(d)) {
      if (g.kind !== 'partial' && d.kind !== 'partial') return boundLogProbs(g, d, setting, sides)
      return failure(sides, 'shape-mismatch', 'log-probabilities cannot be compared with a compact snapshot of logits')
    }
    // Only a golden is kept in part: the rows of a dump are all there.
    if (d.kind === 'partial') throw new TypeError('the dump must hold whole rows')
    return g.kind === 'partial' ? boundRows(g, d, setting, sides) : compareRows(g, d, setting, sides)
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    return failure(sides, 'unreadable', error.message)
  } finally {
    if (g.kind === 'row') g.close()
    if (d.kind === 'row') d.close()
  }
}

type Sides = Pick<Outcome, 'golden' | 'dump' | 'notes'>

function sideFacts({ files, layer }: DumpStep, prepared: Prepared): SideFacts {
  if (prepared.kind === 'unreadable') return { files, layer }
  const { dtype, fileShape } = prepared
  if (prepared.kind === 'log-probs') {
    return { files, layer, kind: 'log-probabilities', dtype, fileShape, shape: [1, prepared.width] }
  }
  if (prepared.kind === 'known-ids') return { files, layer, kind: 'known-ids', dtype, fileShape, shape: fileShape }
  // Until both sides are known, ranks count as parts of the vocabulary.
  const shape = 'parts' in prepared ? [1, totalWidth(prepared.parts)] : fileShape
  return { files, layer, dtype, fileShape, shape }
}

const NO_NOTES: readonly string[] = []

function allNotes(golden: Prepared, dump: Prepared): readonly string[] {
  if (!hasNotes(golden) && !hasNotes(dump)) return NO_NOTES
  return [...notesOf('golden', golden), ...notesOf('dump', dump)]
}

function hasNotes(prepared: Prepared): boolean {
  return 'notes' in prepared && prepared.notes.length > 0
}

/** Field by field: what a spread makes survives V8's collections of young garbage, which adds up over many tokens. */
function failure(
  { golden, dump, notes }: Sides,
  kind: 'shape-mismatch' | 'no-information' | 'unreadable',
  reason: string,
): Outcome {
  return { golden, dump, notes, kind, reason }
}

function reasonOf(prepared: Prepared): string[] {
  return prepared.kind === 'unreadable' ? [prepared.reason] : []
}

function compareRows(
  golden: PreparedRow,
  dump: PreparedRow,
  { vocabSize, precision, keys = [], kernel }: PairSetting,
  sides: Sides,
): Outcome | undefined {
  const plan = planRanks(golden, dump, vocabSize)
  if ('reason' in plan) {
    return golden.assumed || dump.assumed ? undefined : failure(sides, 'shape-mismatch', plan.reason)
  }
  const g = plan.golden
  const d = plan.dump
  const count = vocabSize ?? g.width
  if (count === 1) return failure(sides, 'shape-mismatch', 'one column: a row is a vocabulary, whose softmax is 1')
  sides.golden.shape = [1, count]
  sides.dump.shape = [1, count]
  const buffers = kernel.reserve(roomOf(g), roomOf(d))
  const goldenStart = readPlan(g, buffers.golden)
  if (goldenStart === undefined) return undefined
  const dumpStart = readPlan(d, buffers.dump)
  if (dumpStart === undefined) return undefined
  const reason =
    unequalReason('golden', golden, g, buffers.golden, goldenStart) ??
    unequalReason('dump', dump, d, buffers.dump, dumpStart)
  if (reason !== undefined) return failure(sides, 'shape-mismatch', reason)
  const goldenRow = rawRow(buffers.golden, goldenStart, golden.dtype, g.width)
  const dumpRow = rawRow(buffers.dump, dumpStart, dump.dtype, d.width)
  const isEitherWide = isWide(golden.dtype) || isWide(dump.dtype)
  const exact = isEitherWide ? compareExactly(goldenRow, dumpRow, count) : undefined
  const rows = exact ?? kernel.compare(golden.dtype, dump.dtype, count, goldenStart, dumpStart)
  if (rows.kind === 'measured') {
    const masked =
      maskedReason('golden', rows.golden, goldenRow, count) ?? maskedReason('dump', rows.dump, dumpRow, count)
    if (masked !== undefined) return failure(sides, 'no-information', masked)
  }
  noteSource(sides.golden, goldenRow, count)
  noteSource(sides.dump, dumpRow, count)
  const { notes } = sides
  const outcome: Outcome & { kind: 'compared' } = {
    golden: sides.golden,
    dump: sides.dump,
    notes,
    kind: 'compared',
    rows,
  }
  if (rows.kind === 'measured') {
    if (mayBeLogProbabilities(rows)) outcome.notes = withKinds(sides, rows, goldenRow, dumpRow, count)
    const columns = new PairColumns(goldenRow, dumpRow, count)
    outcome.noise = pairNoise(rows, columns, sides, precision)
    if (rows.support.goldenOnly > 0) {
      const suppressed = columns.golden()
      outcome.suppressedMass = softmaxMass(columns.dump(), (id) => suppressed[id] === Number.NEGATIVE_INFINITY)
    }
    if (keys.length > 0) outcome.optional = metricsOfRows(keys, new RowPair(columns.golden(), columns.dump(), rows))
  }
  if (plan.undecided) outcome.separate = separateRanks(golden, dump, buffers, kernel)
  if (vocabSize !== undefined) outcome.cut = vocabCut(goldenRow, dumpRow, vocabSize)
  return outcome
}

/** Notes the narrower type that a row was saved from, if it was. */
function noteSource(side: SideFacts, { bytes, dtype }: RawRow, count: number): void {
  const source = narrowDtype(bytes, dtype, count)
  if (source) side.savedFrom = source
}

function rawRow(buffer: Uint8Array, start: number, dtype: Dtype, width: number): RawRow {
  return { bytes: buffer.subarray(start), dtype, width }
}

/**
 * Compares every rank of the golden with that of the dump. Both rows are in the buffers already, one rank after the other. A
 * rank that is −Inf throughout on both sides is part of a padded vocabulary, or says nothing.
 */
function separateRanks(golden: PreparedRow, dump: PreparedRow, buffers: RowBuffers, kernel: RowKernel): SeparateRanks {
  const count = golden.parts.length
  const { width } = golden.parts[0]!
  const worst: Partial<Record<GatedKey, { rank: number; value: number }>> = {}
  for (let rank = 0; rank < count; rank++) {
    const [goldenFrom, dumpFrom] = [rank * width * itemSize(golden.dtype), rank * width * itemSize(dump.dtype)]
    const goldenRow = rawRow(buffers.golden, goldenFrom, golden.dtype, width)
    const dumpRow = rawRow(buffers.dump, dumpFrom, dump.dtype, width)
    const rows =
      compareExactly(goldenRow, dumpRow, width) ?? kernel.compare(golden.dtype, dump.dtype, width, goldenFrom, dumpFrom)
    if (rows.kind === 'no-support' && rows.side === 'both') continue
    for (const { key, better } of GATED) {
      const value = rows.kind === 'measured' ? rows.metrics[key] : NOTHING_SHARED[key]
      const known = worst[key]
      if (!known || (better === 'lower' ? value > known.value : value < known.value)) worst[key] = { rank, value }
    }
  }
  return { count, worst: worst as SeparateRanks['worst'] }
}

/** What `measure` gives for rows without a common finite column. It stands for rows that cannot be measured. */
const NOTHING_SHARED: Readonly<Record<GatedKey, number>> = {
  klDivergence: Number.POSITIVE_INFINITY,
  cosineSimilarity: 0,
}

/** Why a compact snapshot and a row do not go together. */
export const MOVED_LOGITS =
  "float32, in which compact snapshots count, cannot hold these logits (they are too large); keep the snapshot with fidelity: 'full'"

/** The golden's row is known in part: it compares the dump's row itself. */
function boundRows(
  golden: PartialRow,
  dump: PreparedRow,
  { vocabSize, kernel }: PairSetting,
  sides: Sides,
): Outcome | undefined {
  const plan = planRanks(golden, dump, vocabSize)
  const reason = 'reason' in plan ? plan.reason : uncuttable(plan.golden.width, vocabSize)
  if ('reason' in plan || reason !== undefined) {
    return dump.assumed ? undefined : failure(sides, 'shape-mismatch', reason!)
  }
  const d = plan.dump
  const count = vocabSize ?? d.width
  sides.dump.shape = [1, count]
  const buffer = kernel.reserve(0, roomOf(d)).dump
  const start = readPlan(d, buffer)
  if (start === undefined) return undefined
  const raw = rawRow(buffer, start, dump.dtype, d.width)
  const unequal = unequalReason('dump', dump, d, buffer, start)
  if (unequal !== undefined) return failure(sides, 'shape-mismatch', unequal)
  if (movesLogits(raw.bytes, dump.dtype, count)) return failure(sides, 'shape-mismatch', `dump: ${MOVED_LOGITS}`)
  noteSource(sides.dump, raw, count)
  const bytes = raw.bytes.subarray(0, count * itemSize(dump.dtype))
  const rows = golden.compare({ bytes, dtype: dump.dtype, width: count })
  return outcomeOf(sides, rows, vocabSize === undefined ? undefined : vocabCut(undefined, raw, vocabSize))
}

/** At least one row holds log-probabilities. */
function boundLogProbs(
  golden: PreparedRow | LogProbRow | KnownIdsRow,
  dump: PreparedRow | LogProbRow | KnownIdsRow,
  { vocabSize, kernel }: PairSetting,
  sides: Sides,
): Outcome | undefined {
  const result = measureLogProbs(golden, dump, vocabSize, kernel)
  if (result === undefined) return undefined
  if ('reason' in result) return failure(sides, 'shape-mismatch', result.reason)
  const { rows, count, cut } = result
  for (const side of [sides.golden, sides.dump]) {
    if (side.kind !== 'known-ids') side.shape = [1, count!]
  }
  return outcomeOf(sides, rows, cut)
}

function outcomeOf(sides: Sides, rows: RowComparison | BoundedRows, cut: VocabCut | undefined): Outcome {
  const facts = { ...sides, ...(cut && { cut }) }
  return rows.kind === 'bounded' ? { ...facts, kind: 'bounded', rows } : { ...facts, kind: 'compared', rows }
}

function uncuttable(width: number, vocabSize: number | undefined): string | undefined {
  if (vocabSize === undefined || vocabSize === width) return undefined
  return `vocabSize is ${vocabSize}, but the golden was kept for ${width} columns and knows its row in part only; set vocabSize to ${width}`
}
