import { type List, listOf } from '../lib/lazy-list.js'
import { type Note, warning } from '../lib/note.js'
import { ulpAt } from '../metrics/precision.js'
import type { Precision, TokenComparison, TokenSide } from './types.js'

/** True if the top-1 of both sides is known: the rows were measured, or a compact snapshot bounds the metrics. */
export function knowsTop1({ golden, dump }: TokenComparison): boolean {
  return golden?.top1 !== undefined && dump?.top1 !== undefined
}

/** True if the two sides prefer different tokens. */
export function isFlip(token: TokenComparison): boolean {
  return knowsTop1(token) && token.golden!.top1 !== token.dump!.top1
}

/** A flip is a near-tie up to this many units in the last place: each of the two logits may be one off. */
export const NEAR_TIE_ULPS = 2

/** True if the golden prefers its top-1 by so little that rounding alone may flip it. */
export function isNearTie({ golden }: TokenComparison, precision: Precision): boolean {
  const { top1Logit, logitAtOtherTop1 } = golden!
  return top1Logit! - logitAtOtherTop1! <= NEAR_TIE_ULPS * ulpAt(top1Logit!, precision)
}

/** The token at which the two runs begin to read different texts. */
export interface Divergence {
  readonly index: number
  readonly step: number
}

/** The first token whose top-1 differs. Of a prompt's positions only the last one decides what is read next. */
export function firstDivergence(tokens: Iterable<TokenComparison>): Divergence | undefined {
  let index = 0
  let last: TokenComparison | undefined
  const ofLast = () => (last && isFlip(last) ? { index: index - 1, step: last.step } : undefined)
  for (const token of tokens) {
    const isPrompt = token.step === 0 && token.position !== undefined
    if (!isPrompt) {
      const divergence = ofLast() ?? (isFlip(token) ? { index, step: token.step } : undefined)
      if (divergence) return divergence
    }
    last = isPrompt ? token : undefined
    index++
  }
  return ofLast()
}

/** The tokens after the divergence, excused. The flip itself is gated: both sides had read the same text there. */
export function excuseAfter({ index, step }: Divergence, tokens: List<TokenComparison>): List<TokenComparison> {
  return listOf(tokens.length, (i) => {
    const token = tokens.at(i)!
    // Positions of one step were fed together: none of them follows from the top-1 of another.
    if (i <= index || token.step === step || !isExcusable(token)) return token
    const verdict = token.verdict === 'missing' || token.verdict === 'extra' ? token.verdict : 'diverged'
    const reason = `${token.reason}; not gated, since top-1 differs at token ${step}`
    return { ...token, verdict, pass: true, reason }
  })
}

/** How many tokens were excused; no note if none was. */
export function excusedNotes({ index, step }: Divergence, tokens: Iterable<TokenComparison>): Note[] {
  let [i, excused] = [0, 0]
  for (const token of tokens) if (i++ > index && token.step !== step && isExcusable(token)) excused++
  if (excused === 0) return []
  const count = excused === 1 ? '1 failing token is' : `${excused} failing tokens are`
  const text = `top-1 differs at token ${step}: ${count} excused after it (afterDivergence: 'ignore')`
  return [warning(text, `set steps: { to: ${step} }`)]
}

function isExcusable({ verdict }: TokenComparison): boolean {
  return verdict === 'over-threshold' || verdict === 'undecided' || verdict === 'missing' || verdict === 'extra'
}

/** A shift between the steps of the two sides. */
export interface Shift {
  /** Dump step n + `by` looks like golden step n. */
  readonly by: number
  readonly tokens: number
}

/** Shifts that are looked for: prompt chunks, warm-ups and missing first tokens are few. */
const MOST_SHIFT = 8
/** The first tokens decide; a message does not read a million. */
const MOST_TOKENS = 64
/** Fewer tokens that agree may do so by chance. */
const LEAST_TOKENS = 3

/**
 * Whether the rows agree if the dump's steps are moved: same top-1, and maximum, minimum and mean within 1 % of the row's range.
 * For dumps whose steps do not agree as they are: at most half of the tokens at hand do.
 */
export function shiftOf(tokens: Iterable<TokenComparison>): Shift | undefined {
  const [golden, dump] = [new Map<number, TokenSide>(), new Map<number, TokenSide>()]
  for (const token of tokens) {
    if (golden.size === MOST_TOKENS) break
    // Positions have no step of their own that could be shifted.
    if (token.position !== undefined) continue
    if (token.golden?.mean !== undefined) golden.set(token.step, token.golden)
    if (token.dump?.mean !== undefined) dump.set(token.step, token.dump)
  }
  const agreeing = (by: number) => {
    const pairs = [...golden].flatMap(([step, side]) => {
      const other = dump.get(step + by)
      return other ? [looksLike(side, other)] : []
    })
    return { all: pairs.length, agree: pairs.filter(Boolean).length }
  }
  const unmoved = agreeing(0)
  if (unmoved.agree > unmoved.all / 2) return undefined
  for (let size = 1; size <= MOST_SHIFT; size++) {
    for (const by of [size, -size]) {
      const { all, agree } = agreeing(by)
      if (all >= LEAST_TOKENS && agree === all) return { by, tokens: all }
    }
  }
  return undefined
}

function looksLike(golden: TokenSide, dump: TokenSide): boolean {
  if (golden.top1 !== dump.top1) return false
  const tolerance = 0.01 * (golden.max! - golden.mean!)
  return (['max', 'min', 'mean'] as const).every((key) => {
    return golden[key] === dump[key] || Math.abs(golden[key]! - dump[key]!) <= tolerance
  })
}
