import { firstDivergence, isNearTie, knowsTop1 } from '../../compare/divergence.js'
import {
  type CoarserDtype,
  coarserDtype,
  type EvenDrift,
  evenDrift,
  logProbabilitySide,
} from '../../compare/low-precision.js'
import { type Shift, type SwappedRanks, shiftOf, swappedRanks } from '../../compare/misalignment.js'
import { stepRanges, tokenName } from '../../compare/step-ranges.js'
import type { ListedComparison, OtherSequence, Thresholds, TokenComparison } from '../../compare/types.js'
import { firstOf, type List } from '../../lib/lazy-list.js'
import { significant } from '../../lib/number-text.js'

/**
 * Says where the fault of `token`, the first over its limits, is to be looked for. Steps or ranks that do not belong together,
 * and limits that are too tight for the dtype, are no fault of a model.
 */
export function likelyCause(comparison: ListedComparison, token: TokenComparison): string {
  const { tokens, thresholds, otherSequence } = comparison
  if (otherSequence) return sequenceText(otherSequence)
  const shift = shiftOf(tokens)
  if (shift) return shiftText(shift, tokens)
  const swapped = swappedRanks(tokens)
  if (swapped) return swappedText(swapped)
  const shifted = logProbabilitySide(token, thresholds)
  if (shifted) return logProbabilityText(shifted)
  const coarser = coarserDtype(token, thresholds)
  if (coarser?.isWithin) return coarserText(coarser, thresholds)
  const drift = evenDrift(tokens)
  const cause = drift ? driftText(drift) : prefixVerdict(comparison, token)
  return coarser ? `${coarserText(coarser, thresholds)} ${cause}` : cause
}

/**
 * Says whether the two runs had read the same text before `token`: a model that was fed other tokens is not inaccurate. That
 * depends on the decoding, which the option `decoding` gives; without it greedy decoding is assumed, and the text says so.
 */
function prefixVerdict({ tokens, decoding, sameIds }: ListedComparison, token: TokenComparison): string {
  const next = `Next: compare all layers at ${tokenName(token)}.`
  if (decoding === 'forced') {
    return `Both runs were fed the same tokens (option decoding: 'forced'), so both saw the same prefix: the fault is in the model. ${next}`
  }
  if (sameIds === 'chosen' && token.step > 0) {
    return `By their token ids both runs chose the same tokens before token ${token.step}, so both saw the same prefix: the fault is in the model. ${next}`
  }
  if (sameIds === 'fed' && token.step === 0) {
    return `By their token ids both runs were fed the same tokens: the fault is in the model. ${next}`
  }
  if (token.step === 0) {
    return `Token 0 follows from the prompt alone: if both runs were given the same prompt, the fault is in the model. ${next}`
  }
  if (decoding === 'sampled') {
    return `Logits do not show which tokens a sampled run was fed (option decoding: 'sampled'), so from token 1 on the two runs may have read different prefixes: KL says little about the model. Feed both runs the same tokens and set decoding: 'forced'.`
  }
  const { flip, absent } = earlierThan(token.step, tokens)
  if (flip) {
    const tie = isNearTie(flip) ? ', a near-tie,' : ''
    return `Top-1 already differs at token ${flip.step} (golden ${flip.golden!.top1}, dump ${flip.dump!.top1})${tie} so from token ${flip.step + 1} on the two runs may have read different prefixes: later KL says little about the model. Look at token ${flip.step} first, or feed both runs the same tokens and set decoding: 'forced'.`
  }
  if (absent.length > 0) {
    return `${unknownText(absent)}, so whether both runs saw the same prefix is not known; no token compared before token ${token.step} differs in top-1. ${next}`
  }
  const agree = token.step === 1 ? 'Token 0 agrees' : `Tokens 0 to ${token.step - 1} agree`
  const greedy = decoding === 'greedy' ? 'greedy decoding' : 'greedy decoding (assumed; option decoding)'
  return `${agree} in top-1, so with ${greedy} both runs saw the same prefix: the fault is in the model. ${next}`
}

/** Names the option that moves one side. */
function shiftText({ by, tokens: count, agrees }: Shift, tokens: List<TokenComparison>): string {
  const [ahead, side] = by > 0 ? [`+ ${by}`, 'golden' as const] : [`- ${-by}`, 'dump' as const]
  const from = firstOf(tokens, (token) => token[side] !== undefined)!.step + Math.abs(by)
  const last = tokens.at(tokens.length - 1)!
  // Where the ranges line up, the side that is moved ends later than the other.
  const to = last.golden && last.dump ? `, to: ${last.step}` : ''
  const looks = agrees === 'rows' ? `looks like golden token n` : `has the top-1 of golden token n`
  const all = agrees === 'rows' ? `all ${count} tokens` : `nine of ten or more of the ${count} tokens`
  return `The steps look shifted by ${by}: dump token n ${ahead} ${looks} for ${all} at hand. If so, load the ${side} with the option firstStep: ${from} and compare steps: { from: ${from}${to} }.`
}

function sequenceText({ side, chosen, sequence, tokens }: OtherSequence): string {
  const count = tokens === 1 ? 'the first token that is over' : `the first ${tokens} tokens that are over`
  const against = side === 'golden' ? 'dump' : 'golden'
  return `The batch looks permuted: with sequence ${sequence} of the ${side} in place of ${chosen}, ${count} ${tokens === 1 ? 'agrees' : 'agree'} with the ${against}. If both are the same prompt, load the ${side} with the option sequence: ${sequence}.`
}

function swappedText({ golden, dump, tokens }: SwappedRanks): string {
  return `The ranks look swapped: in all ${tokens} tokens at hand the rows hold like values, and the top-1 lies in rank ${golden} of the golden and in rank ${dump} of the dump, at the same place. Ranks are joined in numeric order of their devices: check the device numbers in the names of the folders.`
}

function logProbabilityText(side: 'golden' | 'dump'): string {
  const other = side === 'golden' ? 'dump' : 'golden'
  return `The ${side} holds log-probabilities and the ${other} logits: they differ by a constant, which changes the cosine similarity and nothing else. The KL divergence is within its limit. Dump the logits on both sides, or set thresholds.cosineSimilarity.`
}

function coarserText({ side, dtype, precision, isWithin }: CoarserDtype, limits: Thresholds): string {
  const over = isWithin ? 'within' : 'also over'
  return `The ${side} holds ${dtype} logits, held to the limits of ${limits.precision} (option dtype), which rounding to ${dtype} alone can exceed. This token is ${over} the limits of ${precision}: set dtype: '${precision}'.`
}

function driftText({ tokens, lowest, highest }: EvenDrift): string {
  const range = [lowest, highest].map((value) => significant(value, 3)).join(' to ')
  return `All ${tokens} tokens are over, none far more than the others (KL divergence ${range}), and top-1 agrees in each: so looks a build of lower precision (a quantised one, say), or a fault that is the same at every token (a scale of the logits). If the build is meant to be so, measure its noise floor on a good run and set the option thresholds.`
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
