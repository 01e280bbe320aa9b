import type { LazyTensor } from '../../tensor/tensor.js'
import { agreementOf, areEqual } from './agreement.js'
import { allColumns, columnTensor, sumTensor, widthOf } from './derived-tensors.js'

/** One way to make a single tensor of those that the ranks of a side hold. */
export interface Reading {
  /** The same for all layers that are read in this way. */
  readonly key: string
  /** What was done, for a note: `joined by columns`; `''` if nothing was. */
  readonly text: string
  readonly tensor: LazyTensor
}

/** The tensors of one layer on all ranks of a side, and what is known without the other side. */
export interface Ranks {
  readonly tensors: readonly LazyTensor[]
  readonly areCopies: boolean
}

/** A pair of readings of equal width. */
export interface Candidate {
  readonly golden: Reading
  readonly dump: Reading
}

/** Why no tensor was made of what the ranks hold. With `undecided`, layers of the same kind may decide. */
export interface Unread {
  readonly reason: string
  readonly undecided?: boolean
}

export function ranksOf(tensors: readonly LazyTensor[]): Ranks {
  return { tensors, areCopies: tensors.length > 1 && tensors.every((tensor) => areEqual(tensors[0]!, tensor)) }
}

export function single(tensor: LazyTensor): Reading {
  return { key: 'single', text: '', tensor }
}

export function copies({ tensors }: Ranks): Reading {
  return { key: 'copies', text: 'equal on all ranks', tensor: tensors[0]! }
}

export function joined({ tensors }: Ranks): Reading {
  return { key: 'joined', text: 'joined by columns', tensor: columnTensor(tensors.map(allColumns)) }
}

/** A single tensor, copies, or joined ranks. */
export function plain(ranks: Ranks): Reading {
  if (ranks.tensors.length === 1) return single(ranks.tensors[0]!)
  return ranks.areCopies ? copies(ranks) : joined(ranks)
}

/** Grouped-query heads that neighbouring ranks share, once each; undefined if neighbours are not equal. */
export function distinct({ tensors }: Ranks): Reading | undefined {
  const size = sharedBy(tensors)
  if (size === 1) return undefined
  const once = tensors.filter((_, rank) => rank % size === 0)
  const text = `joined by columns without the copies that ${size} neighbouring ranks share`
  return { key: `distinct ${size}`, text, tensor: columnTensor(once.map(allColumns)) }
}

/** The most neighbouring ranks that hold the same bytes throughout. */
function sharedBy(tensors: readonly LazyTensor[]): number {
  return divisors(tensors.length).findLast((size) =>
    tensors.every((tensor, rank) => rank % size === 0 || areEqual(tensors[rank - 1]!, tensor)),
  )!
}

export function divisors(number: number): number[] {
  return Array.from({ length: number }, (_, i) => i + 1).filter((candidate) => number % candidate === 0)
}

export function added({ tensors }: Ranks): Reading {
  return { key: 'added', text: 'added up as partial sums', tensor: sumTensor(tensors) }
}

/** Begins the key of a reading that adds a second output to the first. */
export const WITH_RESIDUAL = 'with the residual: '

export function isSum({ key }: Reading): boolean {
  return key === 'added' || key.startsWith(WITH_RESIDUAL)
}

/** Copies that differ a little: the worst of them is compared. */
function worstCopy({ tensors }: Ranks, golden: LazyTensor): Reading {
  const distances = tensors.map((tensor) => agreementOf(golden, tensor).distance)
  const text = 'copies that differ, of which the furthest from the other side is compared'
  return { key: 'different copies', text, tensor: tensors[distances.indexOf(Math.max(...distances))]! }
}

/** Partial sums have little in common; copies differ by rounding. */
const APART = 0.5

/** ‖rank‖ / ‖other side‖, for a copy of it, is 1 within this factor. */
const SAME_SIZE = 1.25

/**
 * What ranks of the other side's width are that are not equal: partial sums of it, or copies that differ.
 * @param key what layers of the same kind are, if the data leave it open
 */
export function partialSums(ranks: Ranks, other: LazyTensor, key: string | undefined): Reading | Unread {
  const { tensors } = ranks
  const apart = Math.max(...tensors.map((tensor) => agreementOf(tensors[0]!, tensor).distance))
  const each = tensors.map((tensor) => agreementOf(other, tensor))
  const sum = added(ranks)
  const bySum = agreementOf(other, sum.tensor)
  if (apart > APART) {
    const isBrokenCopy = each.some(({ distance }) => distance < 0.1 && distance < bySum.distance / 4)
    return isBrokenCopy ? worstCopy(ranks, other) : sum
  }
  const isCopy = each.every(({ ratio }) => isOfSize(ratio, 1))
  const isSum = each.every(({ ratio }) => isOfSize(ratio * tensors.length, 1))
  if (isCopy && !isSum) return worstCopy(ranks, other)
  if (isSum && !isCopy) return sum
  if (key === 'added') return sum
  if (key === 'different copies' || key === 'copies') return worstCopy(ranks, other)
  return {
    reason: `its ${tensors.length} ranks differ little, and may be partial sums or copies that round differently: the other side's size decides for neither`,
    undecided: true,
  }
}

/** Equal ranks whose sum, and not each of them, has the other side's size: partial sums that happen to be equal, or a fault. */
export function mayBeEqualSums({ tensors }: Ranks, other: LazyTensor): boolean {
  const { ratio, cosine } = agreementOf(other, tensors[0]!)
  return cosine > 0.99 && isOfSize(ratio * tensors.length, 1) && !isOfSize(ratio, 1)
}

function isOfSize(ratio: number, expected: number): boolean {
  return ratio < expected * SAME_SIZE && ratio > expected / SAME_SIZE
}

/** Do the ranks of one side alone show that they are partial sums? */
export function arePartialSums({ tensors }: Ranks): boolean {
  const isSameWidth = tensors.every((tensor) => widthOf(tensor) === widthOf(tensors[0]!))
  return isSameWidth && tensors.slice(1).every((tensor) => agreementOf(tensors[0]!, tensor).distance > APART)
}

/**
 * The best arrangement of columns must have this cosine with the other side, and be this much better than the next;
 * of arrangements that share most columns, it must be four times closer to 1.
 */
const LEAST_COSINE = 0.15
const MARGIN = 1.5

/**
 * The arrangement that agrees with the other side: a wrong one permutes columns, and has next to nothing in common with it,
 * also where a fault has changed most of the numbers.
 * @param key the arrangement of layers of the same kind, if the data leave it open
 */
export function bestOf(candidates: readonly Candidate[], key: string | undefined): Candidate | Unread {
  if (candidates.length === 1) return candidates[0]!
  const cosines = candidates.map(({ golden, dump }) => agreementOf(golden.tensor, dump.tensor).cosine)
  const order = candidates.map((_, i) => i).sort((a, b) => cosines[b]! - cosines[a]!)
  const [best, next] = [order[0]!, order[1]!]
  const [first, second] = [cosines[best]!, cosines[next]!]
  const isBest = first >= MARGIN * second || 1 - first <= (1 - second) / 4
  if (first >= LEAST_COSINE && isBest) return candidates[best]!
  const asOthers = candidates.find((candidate) => keyOf(candidate) === key)
  if (asOthers) return asOthers
  return {
    reason: `${candidates.length} arrangements of its columns have the right shape, and none agrees clearly with the other side`,
    undecided: true,
  }
}

export function keyOf({ golden, dump }: Candidate): string {
  return `${golden.key} / ${dump.key}`
}
