import type { RowPart } from './row-source.js'

/** How one side's parts make a row. */
export interface RowPlan {
  /** Read one behind the other. */
  readonly joined: readonly RowPart[]
  /** Must hold the very bytes of the first of `joined`. */
  readonly copies: readonly RowPart[]
  readonly width: number
}

export type RankPlan = { golden: RowPlan; dump: RowPlan } | { reason: string }

/**
 * Decides what the ranks of each side are. Identical copies have the other side's vocabulary each; parts of the
 * vocabulary have it together, in rank order. Where both readings fit (several ranks of equal width on both sides),
 * `areCopies` decides by the bytes: only copies agree in every one, and where one side's do, the other's must.
 */
export function planRanks(
  golden: readonly RowPart[],
  dump: readonly RowPart[],
  areCopies: (parts: readonly RowPart[]) => boolean,
): RankPlan {
  if (golden.length === 1 && dump.length === 1) {
    const g = joinedPlan(golden)
    const d = joinedPlan(dump)
    return g.width === d.width ? { golden: g, dump: d } : { reason: mismatch(golden, dump) }
  }
  for (const [side, parts] of [['golden', golden] as const, ['dump', dump] as const]) {
    const odd = parts.find((part) => part.dtype !== parts[0]!.dtype)
    if (odd) return { reason: `the ranks of the ${side} are of different dtypes (${parts[0]!.dtype} and ${odd.dtype})` }
  }
  const goldenPlans = readings(golden)
  const dumpPlans = readings(dump)
  const fitting = goldenPlans.flatMap((g) =>
    dumpPlans.filter((d) => d.width === g.width).map((d) => ({ golden: g, dump: d })),
  )
  if (fitting.length === 0) return { reason: mismatch(golden, dump) }
  if (fitting.length === 1) return fitting[0]!
  const asCopies = fitting.find((plan) => plan.golden.joined.length === 1 && plan.dump.joined.length === 1)
  if (asCopies && (areCopies(golden) || areCopies(dump))) return asCopies
  return fitting.find((plan) => plan !== asCopies)!
}

function joinedPlan(parts: readonly RowPart[]): RowPlan {
  return { joined: parts, copies: NO_COPIES, width: totalWidth(parts) }
}

const NO_COPIES: readonly RowPart[] = []

export function totalWidth(parts: readonly RowPart[]): number {
  let sum = 0
  for (let i = 0; i < parts.length; i++) sum += parts[i]!.width
  return sum
}

function readings(parts: readonly RowPart[]): RowPlan[] {
  const [first, ...others] = parts as readonly [RowPart, ...RowPart[]]
  const joined = joinedPlan(parts)
  if (others.length === 0) return [joined]
  const equal = others.every((part) => part.width === first.width)
  return equal ? [{ joined: [first], copies: others, width: first.width }, joined] : [joined]
}

function mismatch(golden: readonly RowPart[], dump: readonly RowPart[]): string {
  const widths = (parts: readonly RowPart[]) =>
    parts.length === 1 ? `${parts[0]!.width}` : parts.map((part) => part.width).join(' + ')
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
