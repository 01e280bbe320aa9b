import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import type { FileSource } from '../io/file-source.js'
import type { Limits } from '../io/limits.js'
import type { RowKernel } from '../metrics/kernel.js'
import type { RowComparison } from '../metrics/types.js'
import { itemSize } from '../tensor/dtype.js'
import { type ColumnCut, cutOf } from './column-cut.js'
import { planRanks, type RankPlan, type RowPlan } from './ranks.js'
import { type OpenedRow, openRow, type RowPart } from './row-source.js'
import type { TokenSide } from './types.js'

/** Everything that measuring one pair depends on, besides the files. */
export interface PairSettings {
  readonly goldenLimits: Partial<Limits>
  readonly dumpLimits: Partial<Limits>
  readonly vocabSize: number | undefined
}

/** What the files of one step say, before any threshold. Plain data: it may cross from one thread to another. */
export type PairOutcome = { golden: TokenSide; dump: TokenSide; notes: readonly string[] } & (
  | { kind: 'compared'; rows: RowComparison; cut?: ColumnCut }
  | { kind: 'misshapen'; reason: string }
  | { kind: 'unreadable'; reason: string }
)

/** Reads and compares the rows of one step that both sides hold. Opens only that step's files and closes them again. */
export function measurePair(golden: DumpStep, dump: DumpStep, settings: PairSettings, kernel: RowKernel): PairOutcome {
  const opened: FileSource[] = []
  const sides = { golden: sideOf(golden), dump: sideOf(dump), notes: [] as string[] }
  try {
    const g = openRow(golden, settings.goldenLimits, opened, kernel)
    const d = openRow(dump, settings.dumpLimits, opened, kernel)
    describe(sides.golden, g)
    describe(sides.dump, d)
    sides.notes.push(...notesOf('golden', g), ...notesOf('dump', d))
    const unreadable = [g, d].flatMap((row) => (row.kind === 'unreadable' ? [row.reason] : []))
    if (unreadable.length > 0) return { ...sides, kind: 'unreadable', reason: unreadable.join('; ') }
    if (g.kind === 'misshapen') return { ...sides, kind: 'misshapen', reason: `golden: ${g.reason}` }
    if (d.kind === 'misshapen') return { ...sides, kind: 'misshapen', reason: `dump: ${d.reason}` }
    return Object.assign(sides, compareParts(partsOf(g), partsOf(d), settings, kernel, sides))
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    return { ...sides, kind: 'unreadable', reason: error.message }
  } finally {
    for (const source of opened) source.close()
  }
}

function sideOf({ files, layer }: DumpStep): TokenSide {
  return { files: [...files], layer }
}

function partsOf(row: OpenedRow): RowPart[] {
  return row.kind === 'opened' ? row.parts : []
}

function describe(side: TokenSide, row: OpenedRow): void {
  if (row.kind === 'unreadable') return
  const opened = row.kind === 'opened'
  side.dtype = opened ? row.parts[0]!.dtype : row.dtype
  side.fileShape = opened ? [...row.parts[0]!.tensor.shape] : row.fileShape
  // Until both sides are held together, ranks count as parts of the vocabulary.
  side.shape = opened ? [1, row.parts.reduce((sum, { width }) => sum + width, 0)] : [...row.fileShape]
}

function notesOf(side: string, row: OpenedRow): string[] {
  return row.kind === 'opened' ? row.notes.map((note) => `${side}: ${note}`) : []
}

type Compared = { kind: 'compared'; rows: RowComparison; cut?: ColumnCut } | { kind: 'misshapen'; reason: string }

function compareParts(
  golden: RowPart[],
  dump: RowPart[],
  { vocabSize }: PairSettings,
  kernel: RowKernel,
  sides: { golden: TokenSide; dump: TokenSide },
): Compared {
  const plan = vocabSize === undefined ? planRanks(golden, dump, haveEqualBytes) : cutPlan(golden, dump, vocabSize)
  if ('reason' in plan) return { kind: 'misshapen', reason: plan.reason }
  const [g, d] = [plan.golden, plan.dump]
  sides.golden.shape = [1, vocabSize ?? g.width]
  sides.dump.shape = [1, vocabSize ?? d.width]
  const [goldenDtype, dumpDtype] = [golden[0]!.dtype, dump[0]!.dtype]
  const buffers = kernel.reserve(g.width * itemSize(goldenDtype), d.width * itemSize(dumpDtype))
  readPlan(g, buffers.golden)
  readPlan(d, buffers.dump)
  for (const [side, { copies, joined }, row] of [
    ['golden', g, buffers.golden] as const,
    ['dump', d, buffers.dump] as const,
  ]) {
    const other = copies.find((copy) => !holds(copy, row))
    if (!other) continue
    const against = side === 'golden' ? 'dump' : 'golden'
    const reason = `each rank of the ${side} is as wide as the ${against}, so they must be copies of one row, but ${joined[0]!.file} and ${other.file} hold different logits; if they are parts of the vocabulary, ranks of the ${against} are missing`
    return { kind: 'misshapen', reason }
  }
  const width = vocabSize ?? g.width
  const cut =
    vocabSize === undefined ? undefined : cutOf(buffers, [goldenDtype, g.width], [dumpDtype, d.width], vocabSize)
  const rows = kernel.compare(goldenDtype, dumpDtype, width)
  return { kind: 'compared', rows, ...(cut && { cut }) }
}

/** With a vocabulary size given, each side must hold at least that many columns, alone or over its ranks. */
function cutPlan(golden: RowPart[], dump: RowPart[], vocabSize: number): RankPlan {
  const plans: RowPlan[] = []
  for (const [side, parts] of [['golden', golden] as const, ['dump', dump] as const]) {
    const whole = parts.every((part) => part.width >= vocabSize)
    const [first, ...others] = parts as [RowPart, ...RowPart[]]
    const total = parts.reduce((sum, part) => sum + part.width, 0)
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
