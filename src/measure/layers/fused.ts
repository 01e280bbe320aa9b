import type { LazyTensor } from '../../tensor/tensor.js'
import { allColumns, type Columns, columnTensor, widthOf } from './derived-tensors.js'
import {
  bestOf,
  type Candidate,
  distinct,
  divisors,
  joined,
  plain,
  type Ranks,
  type Reading,
  type Unread,
} from './readings.js'

/** What a fused projection holds side by side. `any`: the name does not say, and it may be a single projection, too. */
export type Fused = 'qkv' | 'gate-up' | 'any'

/** Which fused projection a module is, by the names that models of this field share. */
export function fusedNamed(name: string): Fused | undefined {
  if (/\/\d+_\w*Linear\w*$/.test(name)) return 'any'
  if (/(?:^|[._/])(?:qkv|qkv_proj|c_attn|query_key_value|w_pack|wqkv|linear_qkv)$/i.test(name)) return 'qkv'
  return /(?:^|[._/])(?:gate_up_proj|up_gate_proj|gate_up|dense_h_to_4h|w13|linear_fc1)$/i.test(name)
    ? 'gate-up'
    : undefined
}

/**
 * A fused projection against its parts. The parts follow each other (`[q | k | v]`), on each rank for itself, or are interleaved
 * in groups of heads (`[q k v]` of head 0, of head 1 …): the agreement with the parts decides.
 * @param partsSide which side holds the parts
 */
export function fusedByParts(
  parts: readonly Ranks[],
  fused: Ranks,
  partsSide: 'golden' | 'dump',
  key: string | undefined,
): Candidate | Unread {
  const whole = parts.map(wholePart)
  const widths = whole.map(({ tensor }) => widthOf(tensor))
  const reference: Reading = {
    key: 'parts',
    text: `${parts.length} parts joined by columns`,
    tensor: columnTensor(whole.map(({ tensor }) => allColumns(tensor))),
  }
  const arrangements = arrangementsOf(fused, widths)
  if (arrangements.length === 0) {
    const held = fused.tensors.map(widthOf).join(' + ')
    return { reason: `the parts have ${widths.join(' + ')} columns, the fused module ${held}` }
  }
  const candidates = arrangements.map((arranged) =>
    partsSide === 'golden' ? { golden: reference, dump: arranged } : { golden: arranged, dump: reference },
  )
  return bestOf(candidates, key)
}

/** One part on all its ranks: equal, with duplicated heads, or a range of columns on each. */
function wholePart(ranks: Ranks): Reading {
  return (ranks.areCopies ? undefined : distinct(ranks)) ?? plain(ranks)
}

/** Every way in which a fused projection may hold parts of these widths. */
function arrangementsOf({ tensors, areCopies }: Ranks, widths: readonly number[]): Reading[] {
  const total = sum(widths)
  const ranks = areCopies && widthOf(tensors[0]!) === total ? tensors.slice(0, 1) : tensors
  const held = sum(ranks.map(widthOf))
  if (held === total) {
    const groups = divisors(widths.reduce(greatestDivisor)).filter((count) => count % ranks.length === 0)
    const together = columnTensor(ranks.map(allColumns))
    return groups.map((count) => ({
      key: `groups ${count === ranks.length ? 'of ranks' : count}`,
      text: groupsText(count, ranks.length),
      tensor: columnTensor(grouped(together, widths, count)),
    }))
  }
  return divisors(ranks.length).flatMap((copies) => byBlocks(ranks, widths, copies))
}

function groupsText(count: number, ranks: number): string {
  if (count === ranks) return ranks === 1 ? '' : 'taken apart on each rank, and joined by columns'
  return `taken apart in ${count} groups of columns`
}

/** `[q k v]` of each group → `[q | k | v]` */
function grouped(tensor: LazyTensor, widths: readonly number[], count: number): Columns[] {
  const width = sum(widths) / count
  return widths.flatMap((part, i) => {
    const before = sum(widths.slice(0, i)) / count
    return Array.from({ length: count }, (_, group) => ({ tensor, from: group * width + before, count: part / count }))
  })
}

/** `[q_r | k_r | v_r]` on each rank, of which all but the first are the same on this many neighbouring ranks. */
function byBlocks(tensors: readonly LazyTensor[], widths: readonly number[], shared: number): Reading[] {
  const ranks = tensors.length
  const onRank = widths.map((width, i) => (width * (i === 0 ? 1 : shared)) / ranks)
  if (shared === 1 || !onRank.every((width) => Number.isInteger(width) && width > 0)) return []
  if (tensors.some((tensor) => widthOf(tensor) !== sum(onRank))) return []
  const columns = onRank.flatMap((count, part) => {
    const from = sum(onRank.slice(0, part))
    const used = tensors.filter((_, rank) => part === 0 || rank % shared === 0)
    return used.map((tensor) => ({ tensor, from, count }))
  })
  const text = `taken apart on each rank, and joined by columns without the heads that ${shared} neighbouring ranks share`
  return [{ key: `blocks ${shared}`, text, tensor: columnTensor(columns) }]
}

/** Heads of queries for each head of keys. */
const MOST_QUERIES = 16

/**
 * A fused projection on several ranks, each of which holds its share of every part, against another number of ranks: their
 * widths leave the parts' widths open, so the agreement decides.
 * @returns undefined if no arrangement has the right shape
 */
export function fusedByRanks(
  golden: Ranks,
  dump: Ranks,
  fused: Fused,
  key: string | undefined,
): Candidate | Unread | undefined {
  const totals = [golden, dump].map(({ tensors, areCopies }) =>
    areCopies ? widthOf(tensors[0]!) : sum(tensors.map(widthOf)),
  ) as [number, number]
  const candidates: Candidate[] = []
  if (totals[0] === totals[1]) candidates.push({ golden: plain(golden), dump: plain(dump) })
  const full = Math.min(...totals)
  for (const widths of widthsOf(fused, full, totals, [golden, dump])) {
    const [g, d] = [takenApart(golden, widths), takenApart(dump, widths)]
    if (g && d) candidates.push({ golden: g, dump: d })
  }
  return candidates.length === 0 ? undefined : bestOf(candidates, key)
}

/** The parts' widths that a fused projection of this width may have. */
function widthsOf(fused: Fused, full: number, totals: readonly number[], sides: readonly Ranks[]): number[][] {
  const halves = full % 2 === 0 && totals[0] === totals[1] ? [[full / 2, full / 2]] : []
  if (fused === 'gate-up') return halves
  return [...(fused === 'any' ? halves : []), ...qkvWidths(full, totals, sides)]
}

function qkvWidths(full: number, totals: readonly number[], sides: readonly Ranks[]): number[][] {
  if (totals[0] === totals[1]) {
    const ratios = Array.from({ length: MOST_QUERIES }, (_, i) => i + 1)
    return ratios
      .map((ratio) => full / (ratio + 2))
      .filter(Number.isInteger)
      .map((k) => [full - 2 * k, k, k])
  }
  // Shared heads of keys and values make the sum of the ranks larger.
  const large = totals[0]! > totals[1]! ? 0 : 1
  const shares = divisors(sides[large]!.tensors.length).filter((count) => count > 1)
  return shares
    .map((count) => (totals[large]! - full) / (2 * (count - 1)))
    .filter((k) => Number.isInteger(k) && k > 0 && full > 2 * k)
    .map((k) => [full - 2 * k, k, k])
}

function takenApart(ranks: Ranks, widths: readonly number[]): Reading | undefined {
  const { tensors, areCopies } = ranks
  if (tensors.length === 1 || areCopies) {
    return widthOf(tensors[0]!) === sum(widths) ? plain(ranks) : undefined
  }
  const count = tensors.length
  if (sum(tensors.map(widthOf)) === sum(widths)) {
    if (!widths.every((width) => width % count === 0)) return undefined
    const tensor = columnTensor(grouped(joined(ranks).tensor, widths, count))
    return { key: `${widths.length} parts, ${widths[0]! / widths[1]!}`, text: groupsText(count, count), tensor }
  }
  return divisors(count).flatMap((shared) => byBlocks(tensors, widths, shared))[0]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}
