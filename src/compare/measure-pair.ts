import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { readerFor, type TensorReader } from '../formats/tensor-reader.js'
import type { Budgets } from '../io/budgets.js'
import type { FileSource } from '../io/file-source.js'
import type { RowKernel } from '../metrics/kernel.js'
import type { RowComparison } from '../metrics/types.js'
import { itemSize } from '../tensor/dtype.js'
import { type ColumnCut, cutOf } from './column-cut.js'
import { planRanks, type RankPlan, type RowPlan, totalWidth } from './ranks.js'
import { type OpenedRow, openRow, type RowPart } from './row-source.js'
import type { TokenSide } from './types.js'

/** Everything that measuring one pair depends on, besides the files. */
export interface PairSettings {
  readonly goldenBudgets: Partial<Budgets>
  readonly dumpBudgets: Partial<Budgets>
  readonly vocabSize: number | undefined
}

/** What the files of one step say, before any threshold. Plain data: it may cross from one thread to another. */
export type PairOutcome = { golden: TokenSide; dump: TokenSide; notes: readonly string[] } & (
  | { kind: 'compared'; rows: RowComparison; cut?: ColumnCut }
  | { kind: 'shape-mismatch'; reason: string }
  | { kind: 'unreadable'; reason: string }
)

/** What opens the files of either side. */
export type Readers = Readonly<Record<'golden' | 'dump', TensorReader>>

export function readersOf({ goldenBudgets, dumpBudgets }: PairSettings, kernel: RowKernel): Readers {
  return { golden: readerFor(goldenBudgets, kernel), dump: readerFor(dumpBudgets, kernel) }
}

/**
 * Reads and compares the rows of one step that both sides hold. Opens only that step's files and closes them again.
 *
 * @param tell is told in what the rows were found, where they were compared
 */
export function measurePair(
  golden: DumpStep,
  dump: DumpStep,
  settings: PairSettings,
  kernel: RowKernel,
  tell?: (golden: readonly RowPart[], dump: readonly RowPart[], notes: readonly string[]) => void,
  readers: Readers = readersOf(settings, kernel),
): PairOutcome {
  const opened: FileSource[] = []
  const sides: Sides = { golden: sideOf(golden), dump: sideOf(dump), notes: [] }
  try {
    const g = openRow(golden, readers.golden, opened)
    const d = openRow(dump, readers.dump, opened)
    describe(sides, 'golden', g)
    describe(sides, 'dump', d)
    if (g.kind === 'unreadable' || d.kind === 'unreadable') {
      return failure(sides, 'unreadable', [g, d].flatMap(reasonOf).join('; '))
    }
    if (g.kind === 'shape-mismatch') return failure(sides, 'shape-mismatch', `golden: ${g.reason}`)
    if (d.kind === 'shape-mismatch') return failure(sides, 'shape-mismatch', `dump: ${d.reason}`)
    const outcome = compareParts(g.parts, d.parts, settings, kernel, sides)
    if (outcome.kind === 'compared') tell?.(g.parts, d.parts, outcome.notes)
    return outcome
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    return failure(sides, 'unreadable', error.message)
  } finally {
    for (let i = 0; i < opened.length; i++) opened[i]!.close()
  }
}

interface Sides {
  readonly golden: TokenSide
  readonly dump: TokenSide
  readonly notes: string[]
}

function sideOf({ files, layer }: DumpStep): TokenSide {
  return { files, layer }
}

function describe(sides: Sides, name: 'golden' | 'dump', row: OpenedRow): void {
  if (row.kind === 'unreadable') return
  const side = sides[name]
  if (row.kind === 'shape-mismatch') {
    side.dtype = row.dtype
    side.fileShape = row.fileShape
    side.shape = row.fileShape
    return
  }
  const first = row.parts[0]!
  side.dtype = first.dtype
  side.fileShape = first.tensor.shape
  // Until both sides are held together, ranks count as parts of the vocabulary.
  side.shape = [1, totalWidth(row.parts)]
  for (let i = 0; i < row.notes.length; i++) sides.notes.push(`${name}: ${row.notes[i]}`)
}

/** Field by field: what a spread makes survives V8's collections of young garbage, which adds up over many tokens. */
function failure({ golden, dump, notes }: Sides, kind: 'shape-mismatch' | 'unreadable', reason: string): PairOutcome {
  return { golden, dump, notes, kind, reason }
}

function reasonOf(row: OpenedRow): string[] {
  return row.kind === 'unreadable' ? [row.reason] : []
}

function compareParts(
  golden: readonly RowPart[],
  dump: readonly RowPart[],
  { vocabSize }: PairSettings,
  kernel: RowKernel,
  sides: Sides,
): PairOutcome {
  const plan = vocabSize === undefined ? planRanks(golden, dump, haveEqualBytes) : cutPlan(golden, dump, vocabSize)
  if ('reason' in plan) return failure(sides, 'shape-mismatch', plan.reason)
  const g = plan.golden
  const d = plan.dump
  sides.golden.shape = [1, vocabSize ?? g.width]
  sides.dump.shape = [1, vocabSize ?? d.width]
  const goldenDtype = golden[0]!.dtype
  const dumpDtype = dump[0]!.dtype
  const buffers = kernel.reserve(g.width * itemSize(goldenDtype), d.width * itemSize(dumpDtype))
  readPlan(g, buffers.golden)
  readPlan(d, buffers.dump)
  const reason = unequalCopies('golden', g, buffers.golden) ?? unequalCopies('dump', d, buffers.dump)
  if (reason !== undefined) return failure(sides, 'shape-mismatch', reason)
  const rows = kernel.compare(goldenDtype, dumpDtype, vocabSize ?? g.width)
  const outcome: PairOutcome = { golden: sides.golden, dump: sides.dump, notes: sides.notes, kind: 'compared', rows }
  if (vocabSize !== undefined) {
    outcome.cut = cutOf(buffers, [goldenDtype, g.width], [dumpDtype, d.width], vocabSize)
  }
  return outcome
}

/** Why a side's ranks are not what they were taken for; undefined where all copies are equal, or there are none. */
function unequalCopies(side: 'golden' | 'dump', { copies, joined }: RowPlan, row: Uint8Array): string | undefined {
  if (copies.length === 0) return undefined
  const other = copies.find((copy) => !holds(copy, row))
  if (!other) return undefined
  const against = side === 'golden' ? 'dump' : 'golden'
  return `each rank of the ${side} is as wide as the ${against}, so they must be copies of one row, but ${joined[0]!.file} and ${other.file} hold different logits; if they are parts of the vocabulary, ranks of the ${against} are missing`
}

/** With a vocabulary size given, each side must hold at least that many columns, alone or over its ranks. */
function cutPlan(golden: readonly RowPart[], dump: readonly RowPart[], vocabSize: number): RankPlan {
  const plans: RowPlan[] = []
  for (const [side, parts] of [['golden', golden] as const, ['dump', dump] as const]) {
    const whole = parts.every((part) => part.width >= vocabSize)
    const [first, ...others] = parts as readonly [RowPart, ...RowPart[]]
    const total = totalWidth(parts)
    if (whole) plans.push({ joined: [first], copies: others, width: first.width })
    else if (total >= vocabSize) plans.push({ joined: parts, copies: [], width: total })
    else return { reason: `vocabSize is ${vocabSize}, but the ${side} holds ${total} columns` }
  }
  return { golden: plans[0]!, dump: plans[1]! }
}

function readPlan({ joined }: RowPlan, into: Uint8Array): void {
  let at = 0
  for (const part of joined) {
    const bytes = part.width * itemSize(part.dtype)
    part.tensor.readRaw(part.start, part.width, into.subarray(at, at + bytes))
    at += bytes
  }
}

function holds(part: RowPart, row: Uint8Array): boolean {
  const bytes = readPart(part)
  return Buffer.compare(bytes, row.subarray(0, bytes.length)) === 0
}

function haveEqualBytes(parts: readonly RowPart[]): boolean {
  const [first, ...others] = parts as readonly [RowPart, ...RowPart[]]
  const bytes = readPart(first)
  return others.every((part) => holds(part, bytes))
}

function readPart(part: RowPart): Uint8Array {
  const bytes = new Uint8Array(part.width * itemSize(part.dtype))
  part.tensor.readRaw(part.start, part.width, bytes)
  return bytes
}
