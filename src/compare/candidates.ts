import { listOf } from '../lib/lazy-list.js'
import type { PairList } from '../measure/step-pair.js'
import { type Candidates, topCandidates } from '../measure/top-candidates.js'
import type { CompareSettings } from './options.js'
import type { Side } from './sides.js'
import { isSamePlace } from './step-ranges.js'
import type { ListedComparison, TokenComparison } from './types.js'

/** The most probable ids are kept of this many failing tokens: their rows are read once more. */
export const MOST_CANDIDATES = 100

/**
 * Adds the most probable ids of both sides to the first failing tokens, so that a report can show what a model preferred.
 * @param pairs of the tokens, in the same order
 */
export function withCandidates(
  comparison: ListedComparison,
  pairs: PairList,
  golden: Side,
  dump: Side,
  { vocabSize, mostCandidates = MOST_CANDIDATES }: CompareSettings,
): ListedComparison {
  const found = new Map<number, Candidates>()
  const { tokens, counts, firstFailure } = comparison
  if (counts.overThreshold + counts.failed === 0) return comparison
  try {
    for (let index = 0; index < tokens.length && found.size < mostCandidates; index++) {
      const { golden: g, dump: d } = pairs.at(index)!
      if (!g || !d || !needsCandidates(tokens.at(index)!)) continue
      found.set(index, topCandidates(g, d, { golden: golden.rows, dump: dump.rows }, vocabSize))
    }
  } finally {
    golden.rows.releaseFiles?.()
    dump.rows.releaseFiles?.()
  }
  const added = (token: TokenComparison, index: number) => {
    const candidates = found.get(index)
    return candidates && (candidates.golden || candidates.dump) ? Object.assign(token, { candidates }) : token
  }
  const first = [...found.keys()].find((index) => isSamePlace(tokens.at(index)!, firstFailure))
  return {
    ...comparison,
    tokens: listOf(tokens.length, (index) => added(tokens.at(index)!, index)),
    ...(first !== undefined && { firstFailure: added({ ...firstFailure! }, first) }),
  }
}

/** Whether a token fails by its values. */
export function needsCandidates({ verdict, pass }: TokenComparison): boolean {
  return !pass && (verdict === 'over-threshold' || verdict === 'undecided')
}
