import type { LazyTensor } from '../../tensor/tensor.js'
import { allColumns, columnTensor, rowsOf, shapeText, widthOf } from './derived-tensors.js'
import { type Fused, fusedByParts, fusedByRanks } from './fused.js'
import {
  added,
  arePartialSums,
  type Candidate,
  copies,
  distinct,
  isSum,
  joined,
  mayBeEqualSums,
  partialSums,
  plain,
  type Ranks,
  type Reading,
  ranksOf,
  single,
  type Unread,
} from './readings.js'

/** The tensors that a side holds of one layer: of each part of a fused module, on each rank. */
export type Grid = readonly (readonly LazyTensor[])[]

/**
 * Makes one tensor of each side. Shapes decide as far as they can: ranks of the other side's width are copies or partial sums,
 * ranks that have it together are joined by columns. Values decide the rest; if they do not either, nothing is compared.
 * @param key the `keyOf` of what layers of the same kind are, if the data leave it open
 */
export function readRanks(
  golden: Grid,
  dump: Grid,
  fused: Fused | undefined,
  key: string | undefined,
): Candidate | Unread {
  const reason = flawOf('golden', golden) ?? flawOf('dump', dump)
  if (reason !== undefined) return { reason }
  if (golden.length === 1 && dump.length === 1) {
    if (golden[0]!.length === 1 && dump[0]!.length === 1) {
      return { golden: single(golden[0]![0]!), dump: single(dump[0]![0]!) }
    }
    return readSides(ranksOf(golden[0]!), ranksOf(dump[0]!), fused, key)
  }
  if (golden.length > 1 && dump.length > 1) return partByPart(golden, dump)
  const sides = [golden.map(ranksOf), dump.map(ranksOf)] as const
  return golden.length > 1
    ? fusedByParts(sides[0], sides[1][0]!, 'golden', key)
    : fusedByParts(sides[1], sides[0][0]!, 'dump', key)
}

/** Both sides hold the same parts: each is read by itself. */
function partByPart(golden: Grid, dump: Grid): Candidate | Unread {
  if (golden.length !== dump.length)
    return { reason: `${golden.length} parts in the golden, ${dump.length} in the dump` }
  const read = golden.map((part, i) => readSides(ranksOf(part), ranksOf(dump[i]!), undefined, undefined))
  const open = read.find((pair) => 'reason' in pair)
  if (open) return open
  const pairs = read as readonly Candidate[]
  const side = (of: 'golden' | 'dump'): Reading => {
    const tensor = columnTensor(pairs.map((pair) => allColumns(pair[of].tensor)))
    return { key: 'parts', text: `${pairs.length} parts joined by columns`, tensor }
  }
  return { golden: side('golden'), dump: side('dump') }
}

/** Why the tensors of one side cannot be put together. */
function flawOf(side: string, grid: Grid): string | undefined {
  const tensors = grid.flat()
  const [first] = tensors as [LazyTensor]
  const other = tensors.find(({ dtype }) => dtype !== first.dtype)
  if (other) return `the ${side} holds it in ${first.dtype} and ${other.dtype}, which are not put together`
  const uneven = tensors.find((tensor) => rowsOf(tensor) !== rowsOf(first))
  if (!uneven) return undefined
  return `the ${side} holds ${rowsOf(first)} positions of it on one rank and ${rowsOf(uneven)} on another`
}

function readSides(golden: Ranks, dump: Ranks, fused: Fused | undefined, key: string | undefined): Candidate | Unread {
  const isOne = ({ tensors, areCopies }: Ranks) => tensors.length === 1 || areCopies
  if (isOne(golden) && isOne(dump)) {
    const pair = { golden: plain(golden), dump: plain(dump) }
    if (haveEqualWidths(pair)) return copiesFlaw(golden, dump) ?? copiesFlaw(dump, golden) ?? pair
  }
  if (fused !== undefined && golden.tensors.length !== dump.tensors.length) {
    const arranged = fusedByRanks(golden, dump, fused, key)
    if (arranged) return arranged
  }
  const fitting = optionsOf(golden).flatMap((g) =>
    optionsOf(dump).flatMap((d) => (haveEqualWidths({ golden: g, dump: d }) ? [{ golden: g, dump: d }] : [])),
  )
  const pair = fitting[0]
  if (!pair) return { reason: `other shapes: ${shapesOf('golden', golden)}; ${shapesOf('dump', dump)}` }
  return withSums(pair, golden, dump, key)
}

/**
 * What the ranks of a side may be by their shapes, the most likely first: joined ranks on both sides are compared one by one, as
 * one row.
 */
function optionsOf(ranks: Ranks): Reading[] {
  if (ranks.tensors.length === 1) return [plain(ranks)]
  if (ranks.areCopies) return [copies(ranks), joined(ranks)]
  const once = distinct(ranks)
  const isEven = ranks.tensors.every((tensor) => widthOf(tensor) === widthOf(ranks.tensors[0]!))
  return [joined(ranks), ...(once ? [once] : []), ...(isEven ? [added(ranks)] : [])]
}

function haveEqualWidths({ golden, dump }: Candidate): boolean {
  return widthOf(golden.tensor) === widthOf(dump.tensor)
}

/** Why ranks that are equal may be no copies; undefined if nothing speaks against it. */
function copiesFlaw(ranks: Ranks, other: Ranks): Unread | undefined {
  if (!ranks.areCopies || other.tensors.length > 1 || !mayBeEqualSums(ranks, other.tensors[0]!)) return undefined
  const count = ranks.tensors.length
  const reason = `its ${count} ranks are equal, and ${count} times smaller than the other side: partial sums that happen to be equal, or a wrong scale`
  return { reason, undecided: true }
}

/** Replaces sums by what the values say: partial sums, or copies that differ. */
function withSums(pair: Candidate, golden: Ranks, dump: Ranks, key: string | undefined): Candidate | Unread {
  if (isSum(pair.golden) && isSum(pair.dump)) {
    if (arePartialSums(golden) && arePartialSums(dump)) return pair
    return { reason: 'the ranks of both sides have one width, and not all are clearly partial sums', undecided: true }
  }
  const [goldenKey, dumpKey] = key?.split(' / ') ?? []
  const g = isSum(pair.golden) ? partialSums(golden, pair.dump.tensor, goldenKey) : pair.golden
  if ('reason' in g) return g
  const d = isSum(pair.dump) ? partialSums(dump, pair.golden.tensor, dumpKey) : pair.dump
  return 'reason' in d ? d : { golden: g, dump: d }
}

function shapesOf(side: string, { tensors }: Ranks): string {
  return `${side} ${tensors.map(shapeText).join(' + ')}`
}
