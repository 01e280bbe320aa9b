import type { LayerFacts, TokenComparison } from '../../../compare/types.js'

/** A layer of a report, with its place in the order of execution. */
export interface LayerRow {
  readonly index: number
  readonly token: TokenComparison
  readonly facts: LayerFacts
}

/** The layers of a report; empty if it is one of logits. */
export function layerRows(tokens: readonly TokenComparison[]): LayerRow[] {
  return tokens.flatMap((token, index) => (token.layer ? { index, token, facts: token.layer } : []))
}

/** Does only one side hold the layer? */
export function isAlone({ token: { golden, dump } }: LayerRow): boolean {
  return !golden || !dump
}

/** The first layer that diverges, if a rule has named one. */
export function namedRow(rows: readonly LayerRow[]): LayerRow | undefined {
  return rows.find(({ facts }) => facts.rule !== undefined)
}
