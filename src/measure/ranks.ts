import type { RankReading } from '../dumps/types.js'
import { areSameBytes } from '../lib/platform.js'
import { itemSize } from '../tensor/dtype.js'
import { type RowPart, readPart } from './row-source.js'

/** The ranks of one side, and what the option `ranks` says of them. */
interface RankSide {
  readonly parts: readonly RowPart[]
  readonly ranks?: RankReading | undefined
}

/** How the ranks of one side make a row. */
export interface RowPlan {
  /** Read one after the other. */
  readonly joined: readonly RowPart[]
  /** Must hold the same bytes as the first of `joined`. */
  readonly copies: readonly RowPart[]
  readonly width: number
}

type RankPlan =
  | {
      golden: RowPlan
      dump: RowPlan
      /** True if each rank may also be a separate row: nothing in the data decides. The plans join the ranks. */
      undecided?: boolean
    }
  | { reason: string }

/**
 * Decides what the ranks of each side are. Copies have the other side's vocabulary each, parts have it together, in rank
 * order. Two readings fit only if both sides have the same number of ranks, all of equal width. Then the bytes decide if all
 * ranks of a side are equal: they are copies, and the ranks of the other side must be equal too. Else it stays undecided.
 */
export function planRanks(golden: RankSide, dump: RankSide, vocabSize: number | undefined): RankPlan {
  if (golden.parts.length === 1 && dump.parts.length === 1 && vocabSize === undefined) {
    if (golden.parts[0]!.width !== dump.parts[0]!.width) return { reason: mismatch(golden.parts, dump.parts) }
    return { golden: joinedPlan(golden.parts), dump: joinedPlan(dump.parts) }
  }
  const reason = flawOf('golden', golden) ?? flawOf('dump', dump)
  if (reason !== undefined) return { reason }
  if (vocabSize !== undefined) return cutPlan(golden, dump, vocabSize)
  const goldenPlans = readings(golden)
  const dumpPlans = readings(dump)
  const fitting = goldenPlans.flatMap((g) =>
    dumpPlans.filter((d) => d.width === g.width).map((d) => ({ golden: g, dump: d })),
  )
  if (fitting.length === 0) return { reason: mismatch(rowOf(golden), rowOf(dump)) }
  if (fitting.length === 1) return fitting[0]!
  const [asCopies, asParts] = fitting as [(typeof fitting)[number], (typeof fitting)[number]]
  if (haveEqualBytes(golden.parts) || haveEqualBytes(dump.parts)) return asCopies
  return { ...asParts, undecided: true }
}

/** Why the ranks of one side cannot make a row, without a look at the other side. */
function flawOf(side: string, { parts, ranks }: RankSide): string | undefined {
  const [first] = parts
  const otherDtype = parts.find((part) => part.dtype !== first!.dtype)?.dtype
  if (otherDtype !== undefined) {
    return `the ranks of the ${side} have different dtypes (${first!.dtype} and ${otherDtype})`
  }
  if (ranks !== 'copies' || haveEqualWidths(parts)) return undefined
  return `the ranks of the ${side} have different widths (${widthsOf(parts)} columns), so they are no copies of one row as the option ranks: 'copies' says; load the ${side} with ranks: 'split'`
}

/** With a vocabulary size given, each side must hold at least that many columns, in each rank or in all together. */
function cutPlan(golden: RankSide, dump: RankSide, vocabSize: number): RankPlan {
  const g = cutReading(golden, vocabSize)
  const d = cutReading(dump, vocabSize)
  if (g && d) return { golden: g, dump: d }
  const [side, parts] = g ? (['dump', rowOf(dump)] as const) : (['golden', rowOf(golden)] as const)
  return { reason: `vocabSize is ${vocabSize}, but the ${side} holds ${totalWidth(parts)} columns` }
}

function cutReading({ parts, ranks }: RankSide, vocabSize: number): RowPlan | undefined {
  const fitsEach = parts.every((part) => part.width >= vocabSize)
  if (ranks === 'copies' || (ranks === undefined && fitsEach)) return fitsEach ? copiesPlan(parts) : undefined
  return totalWidth(parts) >= vocabSize ? joinedPlan(parts) : undefined
}

/**
 * Decides what the ranks of a dump are without another side: ranks of different widths are parts of one vocabulary, ranks
 * with the same bytes are copies. A `vocabSize` that is wider than one rank needs all of them.
 */
export function planOneSide(dump: RankSide, vocabSize: number | undefined): RowPlan | { reason: string } {
  const reason = flawOf('dump', dump)
  if (reason !== undefined) return { reason }
  const plans = readings(dump)
  if (plans.length === 1) return plans[0]!
  const [asCopies, asParts] = plans as [RowPlan, RowPlan]
  if (haveEqualBytes(dump.parts)) return asCopies
  if (vocabSize !== undefined && vocabSize > asCopies.width) return asParts
  const count = dump.parts.length
  return {
    reason: `the dump has ${count} ranks of equal width that hold different logits: parts of one vocabulary, or rows of their own; load the dump with ranks: 'split' if they are parts, or with the number of the one rank to keep (ranks: 0)`,
  }
}

/** The readings that the widths and the option `ranks` leave open; copies come first. */
function readings({ parts, ranks }: RankSide): RowPlan[] {
  if (parts.length === 1 || ranks === 'split' || !haveEqualWidths(parts)) return [joinedPlan(parts)]
  return ranks === 'copies' ? [copiesPlan(parts)] : [copiesPlan(parts), joinedPlan(parts)]
}

function joinedPlan(parts: readonly RowPart[]): RowPlan {
  return { joined: parts, copies: NO_COPIES, width: totalWidth(parts) }
}

function copiesPlan(parts: readonly RowPart[]): RowPlan {
  const [first, ...copies] = parts
  return { joined: [first!], copies, width: first!.width }
}

const NO_COPIES: readonly never[] = []

/** The parts to name when the vocabularies differ: one of them if the option says that all are copies. */
function rowOf({ parts, ranks }: RankSide): readonly RowPart[] {
  return ranks === 'copies' ? parts.slice(0, 1) : parts
}

export function totalWidth(parts: readonly RowPart[]): number {
  let sum = 0
  for (let i = 0; i < parts.length; i++) sum += parts[i]!.width
  return sum
}

function haveEqualWidths(parts: readonly RowPart[]): boolean {
  return parts.every((part) => part.width === parts[0]!.width)
}

/** Bytes of buffer that `readPlan` needs. */
export function roomOf({ joined, width }: RowPlan): number {
  return joined.length === 1 ? joined[0]!.room : width * itemSize(joined[0]!.dtype)
}

/** Reads the parts of a plan; returns what `RowPart.read` returns. */
export function readPlan({ joined }: RowPlan, into: Uint8Array): number | undefined {
  if (joined.length === 1) return joined[0]!.read(into)
  let end = 0
  for (const part of joined) {
    const bytes = readPart(part)!
    into.set(bytes, end)
    end += bytes.length
  }
  return 0
}

/** The first copy that differs from the row it must be a copy of. */
function unequalCopy({ copies }: RowPlan, row: Uint8Array): RowPart | undefined {
  return copies.find((copy) => {
    const bytes = readPart(copy)!
    return !areSameBytes(bytes, row.subarray(0, bytes.length))
  })
}

/** Why a side's ranks are not the copies they were taken for; undefined if all copies are equal, or there are none. */
export function unequalReason(
  side: 'golden' | 'dump',
  { ranks }: RankSide,
  plan: RowPlan,
  buffer: Uint8Array,
  start: number,
): string | undefined {
  if (plan.copies.length === 0) return undefined
  const copy = unequalCopy(plan, buffer.subarray(start))
  if (!copy) return undefined
  const against = side === 'golden' ? 'dump' : 'golden'
  const files = `${plan.joined[0]!.file} and ${copy.file} hold different logits`
  const advice = `if each holds a separate row, load the ${side} with the number of one rank (ranks: 0)`
  if (ranks === 'copies')
    return `the option ranks: 'copies' says that all ranks of the ${side} hold the same row, but ${files}; ${advice}`
  return `each rank of the ${side} is as wide as the ${against}, so they must be copies of one row, but ${files}; if they are parts of the vocabulary, ranks of the ${against} are missing; ${advice}`
}

function haveEqualBytes(parts: readonly RowPart[]): boolean {
  return unequalCopy(copiesPlan(parts), readPart(parts[0]!)!) === undefined
}

function widthsOf(parts: readonly RowPart[]): string {
  return parts.map((part) => part.width).join(' + ')
}

function mismatch(golden: readonly RowPart[], dump: readonly RowPart[]): string {
  const [g, d] = [totalWidth(golden), totalWidth(dump)]
  return `vocabularies differ: golden ${widthsOf(golden)} columns, dump ${widthsOf(dump)}; ${advice(g, d, golden.length, dump.length)}`
}

function advice(golden: number, dump: number, goldenRanks: number, dumpRanks: number): string {
  const [small, large] = golden < dump ? [golden, dump] : [dump, golden]
  const ranks = golden < dump ? goldenRanks : dumpRanks
  if (ranks === 1 && large % small === 0) {
    const side = golden < dump ? 'golden' : 'dump'
    return `if the ${side} is one rank of a tensor-parallel run, name the folder that holds all its ranks`
  }
  return `if one side pads its vocabulary, set the option vocabSize (to ${small} or below)`
}
