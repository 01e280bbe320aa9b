import { inspect } from 'node:util'
import type { Comparison, ListedComparison, TokenComparison } from './types.js'

/**
 * The comparison as users get it: `tokens` is a true array, made when it is first looked at, and kept from then on. Who only
 * asks for the counts or the first failure pays no memory for every token.
 */
export function withTokenArray(comparison: ListedComparison): Comparison {
  const { pass, firstFailure, counts, thresholds, notes, goldenPath, dumpPath } = comparison
  let list: ListedComparison['tokens'] | undefined = comparison.tokens
  let array: TokenComparison[] = []
  const result: Comparison = {
    pass,
    get tokens() {
      if (list) array = arrayOf(list, firstFailure)
      list = undefined
      return array
    },
    set tokens(others) {
      list = undefined
      array = others
    },
    ...(firstFailure && { firstFailure }),
    counts,
    thresholds,
    notes,
    goldenPath,
    dumpPath,
  }
  // Printed like any other data, not as a getter.
  return Object.defineProperty(result, inspect.custom, { value: () => ({ ...result }) })
}

/** The first failure is one of the tokens, not a copy of it. */
function arrayOf(list: ListedComparison['tokens'], firstFailure: TokenComparison | undefined): TokenComparison[] {
  return Array.from(list, (token) => (token.step === firstFailure?.step ? firstFailure : token))
}
