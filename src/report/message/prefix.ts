import { firstDivergence, isNearTie, knowsTop1, type Shift, shiftOf } from '../../compare/divergence.js'
import { stepRanges, tokenName } from '../../compare/step-ranges.js'
import type { ListedComparison, TokenComparison } from '../../compare/types.js'
import type { List } from '../../lib/lazy-list.js'

/**
 * Says whether the two runs had read the same text before `token`: a model that was fed other tokens is not inaccurate. That
 * depends on the decoding, which the option `decoding` gives; without it greedy decoding is assumed, and the text says so.
 */
export function prefixVerdict({ tokens, thresholds, decoding }: ListedComparison, token: TokenComparison): string {
  const shift = shiftOf(tokens)
  if (shift) return shiftText(shift)
  const next = `Next: compare all layers at ${tokenName(token)}.`
  if (decoding === 'forced') {
    return `Both runs were fed the same tokens (option decoding: 'forced'), so both saw the same prefix: the fault is in the model. ${next}`
  }
  if (token.step === 0) {
    return `Token 0 follows from the prompt alone: if both runs were given the same prompt, the fault is in the model. ${next}`
  }
  if (decoding === 'sampled') {
    return `Logits do not show which tokens a sampled run was fed (option decoding: 'sampled'), so from token 1 on the two runs may have read different prefixes: KL says little about the model. Feed both runs the same tokens and set decoding: 'forced'.`
  }
  const { flip, absent } = earlierThan(token.step, tokens)
  if (flip) {
    const tie = isNearTie(flip, thresholds.precision) ? ', a near-tie,' : ''
    return `Top-1 already differs at token ${flip.step} (golden ${flip.golden!.top1}, dump ${flip.dump!.top1})${tie} so from token ${flip.step + 1} on the two runs may have read different prefixes: later KL says little about the model. Look at token ${flip.step} first, or feed both runs the same tokens and set decoding: 'forced'.`
  }
  if (absent.length > 0) {
    return `${unknownText(absent)}, so whether both runs saw the same prefix is not known; no token compared before token ${token.step} differs in top-1. ${next}`
  }
  const agree = token.step === 1 ? 'Token 0 agrees' : `Tokens 0 to ${token.step - 1} agree`
  const greedy = decoding === 'greedy' ? 'greedy decoding' : 'greedy decoding (assumed; option decoding)'
  return `${agree} in top-1, so with ${greedy} both runs saw the same prefix: the fault is in the model. ${next}`
}

/** Steps that are shifted are no fault of a model: no layer is blamed. */
function shiftText({ by, tokens }: Shift): string {
  const [ahead, side] = by > 0 ? [`+ ${by}`, 'golden'] : [`- ${-by}`, 'dump']
  const steps = Math.abs(by)
  return `The steps look shifted by ${by}: dump token n ${ahead} looks like golden token n for all ${tokens} tokens at hand. If so, load the ${side} with the option firstStep: ${steps} and compare steps: { from: ${steps} }.`
}

/** The tokens before `step`: the first whose top-1 differs, and the steps without a known top-1. */
function earlierThan(
  step: number,
  tokens: List<TokenComparison>,
): { flip: TokenComparison | undefined; absent: readonly number[] } {
  const divergence = firstDivergence(tokensBefore(step, tokens))
  let next = 0
  const absent: number[] = []
  const addAbsent = (end: number) => {
    // A gap may be a million steps wide; the message names only a few.
    for (; next < end && absent.length < 1000; next++) absent.push(next)
  }
  if (divergence) return { flip: tokens.at(divergence.index), absent }
  for (const token of tokensBefore(step, tokens)) {
    if (!knowsTop1(token)) continue
    addAbsent(token.step)
    next = token.step + 1
  }
  addAbsent(step)
  return { flip: undefined, absent }
}

function* tokensBefore(step: number, tokens: Iterable<TokenComparison>): Iterable<TokenComparison> {
  for (const token of tokens) {
    if (token.step >= step) return
    yield token
  }
}

function unknownText(absent: readonly number[]): string {
  const text = stepRanges(absent)
  return `${text[0]!.toUpperCase()}${text.slice(1)} ${absent.length === 1 ? 'was' : 'were'} not compared`
}
