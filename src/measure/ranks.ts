import { itemSize } from '../tensor/dtype.js'
import type { RowPart } from './row-source.js'

/** What a plan needs to know of a rank: a row that is known in part cannot be read. */
export type RankPart = Pick<RowPart, 'file' | 'dtype' | 'width'>

/** How one side's ranks make a row. */
export interface RowPlan<Part extends RankPart = RowPart> {
  /** Read one after the other. */
  readonly joined: readonly Part[]
  /** Must hold the same bytes as the first of `joined`. */
  readonly copies: readonly Part[]
  readonly width: number
}

export type RankPlan<Golden extends RankPart = RowPart> =
  | { golden: RowPlan<Golden>; dump: RowPlan }
  | { reason: string }

/**
 * Decides what the ranks of each side are. Identical copies have the other side's vocabulary each; parts of the
 * vocabulary have it together, in rank order. If both readings fit (several ranks of equal width on both sides), the bytes
 * decide: only copies agree in every one, and if one side's ranks do, the other's must.
 */
export function planRanks<Golden extends RankPart>(
  golden: readonly Golden[],
  dump: readonly RowPart[],
  vocabSize: number | undefined,
): RankPlan<Golden> {
  if (golden.length === 1 && dump.length === 1 && vocabSize === undefined) {
    if (golden[0]!.width !== dump[0]!.width) return { reason: mismatch(golden, dump) }
    return { golden: joinedPlan(golden), dump: joinedPlan(dump) }
  }
  for (const [side, parts] of [['golden', golden] as const, ['dump', dump] as const]) {
    const odd = parts.find((part) => part.dtype !== parts[0]!.dtype)
    if (odd) return { reason: `the ranks of the ${side} have different dtypes (${parts[0]!.dtype} and ${odd.dtype})` }
  }
  if (vocabSize !== undefined) return cutPlan(golden, dump, vocabSize)
  const dumpPlans = readings(dump)
  const fitting = readings(golden).flatMap((g) =>
    dumpPlans.filter((d) => d.width === g.width).map((d) => ({ golden: g, dump: d })),
  )
  if (fitting.length === 0) return { reason: mismatch(golden, dump) }
  if (fitting.length === 1) return fitting[0]!
  const asCopies = fitting.find((plan) => plan.golden.joined.length === 1 && plan.dump.joined.length === 1)
  if (asCopies && (haveEqualBytes(golden) || haveEqualBytes(dump))) return asCopies
  return fitting.find((plan) => plan !== asCopies)!
}

/** With a vocabulary size given, each side must hold at least that many columns, alone or over its ranks. */
function cutPlan<Golden extends RankPart>(
  golden: readonly Golden[],
  dump: readonly RowPart[],
  vocabSize: number,
): RankPlan<Golden> {
  const g = cutReading(golden, vocabSize)
  const d = cutReading(dump, vocabSize)
  if (g && d) return { golden: g, dump: d }
  const [side, parts]: [string, readonly RankPart[]] = g ? ['dump', dump] : ['golden', golden]
  return { reason: `vocabSize is ${vocabSize}, but the ${side} holds ${totalWidth(parts)} columns` }
}

function cutReading<Part extends RankPart>(parts: readonly Part[], vocabSize: number): RowPlan<Part> | undefined {
  if (parts.every((part) => part.width >= vocabSize)) return copiesPlan(parts)
  return totalWidth(parts) >= vocabSize ? joinedPlan(parts) : undefined
}

/** One side by itself: ranks with the same bytes are copies, others are parts of the vocabulary. */
export function planOneSide(parts: readonly RowPart[]): RowPlan | { reason: string } {
  const odd = parts.find((part) => part.dtype !== parts[0]!.dtype)
  if (odd) return { reason: `the ranks of the dump have different dtypes (${parts[0]!.dtype} and ${odd.dtype})` }
  const plans = readings(parts)
  return plans.length === 1 || haveEqualBytes(parts) ? plans[0]! : plans[1]!
}

function readings<Part extends RankPart>(parts: readonly Part[]): RowPlan<Part>[] {
  const isEqual = parts.every((part) => part.width === parts[0]!.width)
  return parts.length > 1 && isEqual ? [copiesPlan(parts), joinedPlan(parts)] : [joinedPlan(parts)]
}

function joinedPlan<Part extends RankPart>(parts: readonly Part[]): RowPlan<Part> {
  return { joined: parts, copies: NO_COPIES, width: totalWidth(parts) }
}

function copiesPlan<Part extends RankPart>(parts: readonly Part[]): RowPlan<Part> {
  const [first, ...copies] = parts as readonly [Part, ...Part[]]
  return { joined: [first], copies, width: first.width }
}

const NO_COPIES: readonly never[] = []

export function totalWidth(parts: readonly RankPart[]): number {
  let sum = 0
  for (let i = 0; i < parts.length; i++) sum += parts[i]!.width
  return sum
}

/** Bytes of buffer that `readPlan` needs. */
export function roomOf({ joined, width }: RowPlan): number {
  return joined.length === 1 ? joined[0]!.room : width * itemSize(joined[0]!.dtype)
}

/** Reads the parts of a plan; the result is that of `RowPart.read`. */
export function readPlan({ joined }: RowPlan, into: Uint8Array): number | undefined {
  if (joined.length === 1) return joined[0]!.read(into)
  let end = 0
  for (const part of joined) {
    const bytes = readPart(part)
    into.set(bytes, end)
    end += bytes.length
  }
  return 0
}

/** The first copy that differs from the row it must be a copy of. */
export function unequalCopy({ copies }: RowPlan<RankPart>, row: Uint8Array): RankPart | undefined {
  return copies.find((copy) => {
    const bytes = readPart(copy as RowPart)
    return Buffer.compare(bytes, row.subarray(0, bytes.length)) !== 0
  })
}

function haveEqualBytes(parts: readonly RankPart[]): boolean {
  if (!parts.every((part) => 'read' in part)) return false
  const [first, ...copies] = parts as readonly RowPart[]
  return unequalCopy({ joined: [first!], copies, width: first!.width }, readPart(first!)) === undefined
}

function readPart(part: RowPart): Uint8Array {
  const buffer = new Uint8Array(part.room)
  const start = part.read(buffer)!
  return buffer.subarray(start, start + part.width * itemSize(part.dtype))
}

function mismatch(golden: readonly RankPart[], dump: readonly RankPart[]): string {
  const widths = (parts: readonly RankPart[]) => parts.map((part) => part.width).join(' + ')
  const [g, d] = [totalWidth(golden), totalWidth(dump)]
  return `vocabularies differ: golden ${widths(golden)} columns, dump ${widths(dump)}; ${advice(g, d, golden.length, dump.length)}`
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
