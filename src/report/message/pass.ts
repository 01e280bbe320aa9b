import { roundedAway } from '../../compare/rounded-away.js'
import type { Comparison, TokenComparison } from '../../compare/types.js'
import { noteLines } from './failure.js'

/** Shown where every token passes and `.not` made that a failure. */
export function passText(comparison: Comparison): string {
  const { tokens, thresholds, counts } = comparison
  const measured = tokens.filter((token) => token.metrics)
  const kl = worst(measured, (token) => token.metrics!.klDivergence)
  const cosine = worst(measured, (token) => -token.metrics!.cosineSimilarity)
  return [
    counts.compared === 1
      ? 'The one token compared is within the limits:'
      : `All ${counts.compared} tokens compared are within the limits:`,
    '',
    `  highest KL divergence      ${roundedAway(kl.metrics!.klDivergence, thresholds.klDivergence)} at token ${kl.step}   (limit ${thresholds.klDivergence}, ${thresholds.precision})`,
    `  lowest cosine similarity   ${roundedAway(cosine.metrics!.cosineSimilarity, thresholds.cosineSimilarity)} at token ${cosine.step}   (limit ${thresholds.cosineSimilarity})`,
    '',
    'If the two runs still print different texts, the fault is not in the model but in post-processing: temperature, top-k, top-p or their implementation.',
    ...noteLines(comparison.notes),
  ].join('\n')
}

function worst(tokens: readonly TokenComparison[], badness: (token: TokenComparison) => number): TokenComparison {
  return tokens.reduce((a, b) => (badness(b) > badness(a) ? b : a))
}
