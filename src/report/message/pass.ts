import { cosineText, roundedAway } from '../../compare/rounded-away.js'
import type { ListedComparison, TokenComparison } from '../../compare/types.js'
import { noteLines } from './failure.js'

/** Shown where every token passes and `.not` made that a failure. */
export function passText(comparison: ListedComparison): string {
  const { counts, notes } = comparison
  const excused = counts.total - counts.passed
  const besides = `, and ${excused} more ${excused === 1 ? 'is' : 'are'} excused by the options`
  const compared = counts.passed === 1 ? 'The one token compared is' : `All ${counts.passed} tokens compared are`
  return [
    `${compared} within the limits${excused > 0 ? besides : ''}:`,
    '',
    ...worstLines(comparison),
    'If the two runs still print different texts, the fault is not in the model but in post-processing: temperature, top-k, top-p or their implementation.',
    ...(notes.length > 0 ? ['', ...noteLines(notes)] : []),
  ].join('\n')
}

function worstLines({ tokens, thresholds }: ListedComparison): string[] {
  let [kl, cosine]: (TokenComparison | undefined)[] = []
  for (const token of tokens) {
    if (token.verdict !== 'pass' || !token.metrics) continue
    if (!kl || token.metrics.klDivergence > kl.metrics!.klDivergence) kl = token
    if (!cosine || token.metrics.cosineSimilarity < cosine.metrics!.cosineSimilarity) cosine = token
  }
  if (!kl || !cosine) return []
  const { klDivergence, cosineSimilarity, precision } = thresholds
  return [
    `  highest KL divergence      ${roundedAway(kl.metrics!.klDivergence, klDivergence)} at token ${kl.step}   (limit ${klDivergence}, ${precision})`,
    `  lowest cosine similarity   ${cosineText(cosine.metrics!.cosineSimilarity, cosineSimilarity)} at token ${cosine.step}   (limit ${cosineSimilarity})`,
    '',
  ]
}
