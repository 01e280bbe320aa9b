import { type Side, sideOf } from './sides.js'
import type { ListedComparison, OtherSequence, TokenComparison } from './types.js'

/** Sequences of a batch that are tried. */
const MOST_SEQUENCES = 64
/** Tokens that are tried: sequences of one prompt agree in their first tokens. */
const MOST_TOKENS = 3

/**
 * Looks for the tokens that fail in the other sequences of a batch: the order of a batch may differ between two runs. Reads
 * three tokens of each sequence, and only if a side names its sequence.
 * @param compare compares the two sides at these steps
 */
export function otherSequence(
  { tokens }: Pick<ListedComparison, 'tokens'>,
  golden: Side,
  dump: Side,
  compare: (golden: Side, dump: Side, steps: readonly number[]) => ListedComparison,
): OtherSequence | undefined {
  const side = dump.dump.rows?.sequence === undefined ? 'golden' : 'dump'
  const { dump: moved } = side === 'dump' ? dump : golden
  const chosen = moved.rows?.sequence
  if (chosen === undefined) return undefined
  const over = firstOver(tokens)
  const count = Math.min(over[0]?.[side]?.fileShape?.[0] ?? 0, MOST_SEQUENCES)
  const steps = [...new Set(over.map(({ step }) => step))]
  for (let sequence = 0; sequence < count; sequence++) {
    if (sequence === chosen) continue
    const other = sideOf({ ...moved, rows: { ...moved.rows, sequence } })
    const { counts } = side === 'dump' ? compare(golden, other, steps) : compare(other, dump, steps)
    if (counts.passed === counts.total) return { side, chosen, sequence, tokens: steps.length }
  }
  return undefined
}

function firstOver(tokens: ListedComparison['tokens']): TokenComparison[] {
  const over: TokenComparison[] = []
  for (const token of tokens) {
    if (token.verdict === 'over-threshold' && !token.pass) over.push(token)
    if (over.length === MOST_TOKENS) break
  }
  return over
}
