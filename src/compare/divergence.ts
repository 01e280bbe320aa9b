import { type List, listOf } from '../lib/lazy-list.js'
import { type Note, warning } from '../lib/note.js'
import { ulpAt } from '../metrics/precision.js'
import type { Precision, TokenComparison } from './types.js'

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
