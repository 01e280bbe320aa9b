import type { TokenComparison } from '../../compare/types.js'

/** A token's number in the table: `3`, or `3.2` for position 2 of token 3. */
export function tokenKey({ step, position }: TokenComparison): string {
  return position === undefined ? String(step) : `${step}.${position}`
}

/** Where each token is on the axis of the chart: at its step, or one after the other if steps have several positions. */
export function placesOf(tokens: readonly TokenComparison[]): ReadonlyMap<TokenComparison, number> {
  const byPosition = tokens.some(({ position }) => position !== undefined)
  return new Map(tokens.map((token, index) => [token, byPosition ? index : token.step]))
}
