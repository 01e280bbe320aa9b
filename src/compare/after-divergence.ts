import { type List, listOf } from '../lib/lazy-list.js'
import type { TokenComparison } from './types.js'

/** The token at which the two runs have gone on with other texts. */
export interface Flip {
  readonly index: number
  readonly step: number
}

/** The first token whose top-1 differs. */
export function firstFlip(tokens: Iterable<TokenComparison>): Flip | undefined {
  let index = 0
  for (const { step, metrics, golden, dump } of tokens) {
    if (metrics && golden!.top1 !== dump!.top1) return { index, step }
    index++
  }
  return undefined
}

/**
 * The flip itself is still gated: both sides had read the same text when they disagreed.
 * @param tokens made anew each time they are asked for
 */
export function excuseAfter(flip: Flip, tokens: List<TokenComparison>): List<TokenComparison> {
  return listOf(tokens.length, (index) => {
    const token = tokens.at(index)!
    if (index <= flip.index || !isExcusable(token)) return token
    if (token.verdict === 'over-threshold') token.verdict = 'diverged'
    token.pass = true
    token.reason = `${token.reason}; not gated, since top-1 differs at token ${flip.step}`
    return token
  })
}

/** How many were excused; nothing where none were. */
export function excusedNotes(flip: Flip, tokens: Iterable<TokenComparison>): string[] {
  let [index, excused] = [0, 0]
  for (const token of tokens) if (index++ > flip.index && isExcusable(token)) excused++
  const count = excused === 1 ? '1 token that fails is' : `${excused} tokens that fail are`
  if (excused === 0) return []
  return [`top-1 differs at token ${flip.step}: ${count} excused after it (afterDivergence: 'ignore')`]
}

function isExcusable({ verdict }: TokenComparison): boolean {
  return verdict === 'over-threshold' || verdict === 'missing' || verdict === 'extra'
}
