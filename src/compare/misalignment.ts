import type { List } from '../lib/lazy-list.js'
import { knowsTop1 } from './divergence.js'
import type { TokenComparison, TokenSide } from './types.js'

/** A shift between the steps of the two sides. */
export interface Shift {
  /** Dump step n + `by` looks like golden step n. */
  readonly by: number
  /** How many pairs of steps were looked at. */
  readonly tokens: number
  /** What agrees: the rows, or only their top-1s. */
  readonly agrees: 'rows' | 'top-1s'
}

/** Shifts that are looked for: prompt chunks, warm-ups and missing first tokens are few. */
const MOST_SHIFT = 8
/** Top-1s alone show less than rows, so only shifts of one or two steps count. */
const MOST_TOP1_SHIFT = 2
/** The first tokens decide; a message does not read a million. */
const MOST_TOKENS = 64
/** Fewer tokens that agree may do so by chance. */
const LEAST_TOKENS = 3
const LEAST_TOP1S = 4

/**
 * Whether the dump's steps agree with the golden's if they are moved, by their rows (same top-1, and maximum, minimum and mean
 * within 1 % of the row's range) or by their top-1s (nine of ten, at least three distinct ones). For dumps whose steps do not
 * agree as they are: at most half of the tokens at hand do.
 */
export function shiftOf(tokens: Iterable<TokenComparison>): Shift | undefined {
  const [golden, dump] = [new Map<number, TokenSide>(), new Map<number, TokenSide>()]
  for (const token of tokens) {
    if (golden.size === MOST_TOKENS) break
    // Positions have no step of their own that could be shifted.
    if (token.position !== undefined) continue
    if (token.golden?.top1 !== undefined) golden.set(token.step, token.golden)
    if (token.dump?.top1 !== undefined) dump.set(token.step, token.dump)
  }
  return shiftBy('rows', golden, dump) ?? shiftBy('top-1s', golden, dump)
}

type Rows = ReadonlyMap<number, TokenSide>

function shiftBy(agrees: Shift['agrees'], golden: Rows, dump: Rows): Shift | undefined {
  const isLike = agrees === 'rows' ? looksLike : (a: TokenSide, b: TokenSide) => a.top1 === b.top1
  const pairsAt = (by: number) =>
    [...golden].flatMap(([step, g]) => (dump.has(step + by) ? [[g, dump.get(step + by)!] as const] : []))
  const agree = (pairs: ReturnType<typeof pairsAt>) => pairs.filter(([g, d]) => isLike(g, d)).length
  const unmoved = pairsAt(0)
  if (agree(unmoved) > unmoved.length / 2) return undefined
  for (let size = 1; size <= (agrees === 'rows' ? MOST_SHIFT : MOST_TOP1_SHIFT); size++) {
    for (const by of [size, -size]) {
      const pairs = pairsAt(by)
      const count = agree(pairs)
      // A text that repeats itself agrees with itself when it is moved.
      const distinct = new Set(pairs.map(([{ top1 }]) => top1)).size
      const isShift =
        agrees === 'rows'
          ? pairs.length >= LEAST_TOKENS && count === pairs.length
          : pairs.length >= LEAST_TOP1S && count >= 0.9 * pairs.length && distinct >= 3
      if (isShift) return { by, tokens: pairs.length, agrees }
    }
  }
  return undefined
}

function looksLike(golden: TokenSide, dump: TokenSide): boolean {
  return golden.top1 === dump.top1 && haveLikeValues(golden, dump)
}

function haveLikeValues(golden: TokenSide, dump: TokenSide): boolean {
  if (golden.mean === undefined || dump.mean === undefined) return false
  const tolerance = 0.01 * (golden.max! - golden.mean)
  return (['max', 'min', 'mean'] as const).every((key) => {
    return golden[key] === dump[key] || Math.abs(golden[key]! - dump[key]!) <= tolerance
  })
}

/** Ranks that are joined in another order on the two sides. */
export interface SwappedRanks {
  /** A rank of the golden, and the rank of the dump that has its logits. */
  readonly golden: number
  readonly dump: number
  readonly tokens: number
}

/**
 * Whether joined ranks look swapped: in each token at hand both rows have like values (maximum, minimum and mean), the top-1
 * has the same place within its rank, and each rank of the golden is always the same rank of the dump.
 */
export function swappedRanks(tokens: List<TokenComparison>): SwappedRanks | undefined {
  const ranks = new Map<number, number>()
  let count = 0
  for (let i = 0; i < tokens.length && count < MOST_TOKENS; i++) {
    const token = tokens.at(i)!
    if (!knowsTop1(token)) continue
    const { golden, dump } = token as Required<TokenComparison>
    const width = rankWidth(golden, dump)
    if (width === undefined || !haveLikeValues(golden, dump)) return undefined
    const [g, d] = [Math.floor(golden.top1! / width), Math.floor(dump.top1! / width)]
    const isSamePlace = golden.top1! - g * width === dump.top1! - d * width
    if (!isSamePlace || (ranks.get(g) ?? d) !== d) return undefined
    ranks.set(g, d)
    count++
  }
  const moved = [...ranks].find(([g, d]) => g !== d)
  const isOneToOne = new Set(ranks.values()).size === ranks.size
  if (count < 2 || !moved || !isOneToOne) return undefined
  return { golden: moved[0], dump: moved[1], tokens: count }
}

/** The width of each rank if a side was joined of ranks of equal width. */
function rankWidth(golden: TokenSide, dump: TokenSide): number | undefined {
  const { files, fileShape, shape } = dump.files.length >= golden.files.length ? dump : golden
  const width = fileShape?.at(-1)
  return files.length > 1 && width !== undefined && width * files.length === shape?.at(-1) ? width : undefined
}
