import { lazyArray } from '../lib/lazy-list.js'
import type { Comparison, ListedComparison, TokenComparison } from './types.js'

/** The comparison as users get it: `tokens` is a true array. */
export function withTokenArray({ tokens, ...facts }: ListedComparison): Comparison {
  const { pass, firstFailure, ...others } = facts
  const result: Comparison = { pass, tokens: [], ...(firstFailure && { firstFailure }), ...others }
  lazyArray(result, 'tokens', () => arrayOf(tokens, firstFailure))
  return result
}

/** The first failure is one of the tokens, not a copy of it. */
function arrayOf(list: ListedComparison['tokens'], firstFailure: TokenComparison | undefined): TokenComparison[] {
  return Array.from(list, (token) => (token.step === firstFailure?.step ? firstFailure : token))
}
