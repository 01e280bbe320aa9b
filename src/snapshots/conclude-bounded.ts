import { roundedAway } from '../compare/rounded-away.js'
import type { Comparison, Thresholds, TokenComparison, Verdict } from '../compare/types.js'
import { judgeBounds } from './compact/judge.js'
import type { Bounded } from './measure-token.js'

/** Puts the verdicts on bounded tokens in their places, and counts anew. */
export function withBounds(
  comparison: Comparison,
  bounded: ReadonlyMap<number, Bounded>,
  afterDivergence: 'gate' | 'ignore',
): Comparison {
  const tokens = comparison.tokens.map((token): TokenComparison => {
    const known = bounded.get(token.step)
    if (!known) return token
    const { verdict, reason } = judge(known, comparison.thresholds)
    return { ...token, verdict, reason, pass: verdict === 'pass', bounds: known.bounds }
  })
  if (afterDivergence === 'ignore') excuseAfterFlip(tokens)
  const counts = { ...comparison.counts }
  for (const { step, verdict } of tokens) {
    if (!bounded.has(step) || verdict === 'undecided' || verdict === 'shape-mismatch') continue
    counts.failed--
    counts.compared++
    if (verdict === 'pass') counts.passed++
    else if (verdict === 'diverged') counts.diverged++
    else counts.overThreshold++
  }
  const { firstFailure: _, ...rest } = comparison
  const firstFailure = tokens.find((token) => !token.pass)
  const pass = firstFailure === undefined && counts.compared > 0
  return { ...rest, pass, tokens, counts, ...(firstFailure && { firstFailure }) }
}

function judge({ bounds, cutMass }: Bounded, limits: Thresholds): { verdict: Verdict; reason: string } {
  if (cutMass < limits.klDivergence) return judgeBounds(bounds, limits)
  const mass = roundedAway(cutMass, limits.klDivergence)
  const reason = `the columns of the dump that vocabSize cuts off hold ${mass} of its probability, not below the KL limit ${limits.klDivergence}`
  return { verdict: 'shape-mismatch', reason }
}

/** As for measured tokens: the flip itself is gated, the tokens after it are not. */
function excuseAfterFlip(tokens: TokenComparison[]): void {
  const flip = tokens.findIndex(
    ({ golden, dump }) => golden?.top1 !== undefined && dump?.top1 !== undefined && golden.top1 !== dump.top1,
  )
  if (flip < 0) return
  for (const token of tokens.slice(flip + 1)) {
    if (token.pass || token.metrics) continue
    if (token.verdict === 'over-threshold' || token.verdict === 'undecided') token.verdict = 'diverged'
    else if (token.verdict !== 'missing' && token.verdict !== 'extra') continue
    token.pass = true
    token.reason = `${token.reason}; not gated, since top-1 differs at token ${tokens[flip]!.step}`
  }
}
