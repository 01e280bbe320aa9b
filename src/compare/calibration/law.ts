import { significant } from '../../lib/number-text.js'
import { estimatedDivergence, largestDivergence } from '../../metrics/expected-divergence.js'
import { type RoundedPrecision, SPREAD_LIMITS } from '../../metrics/noise.js'
import { thresholdsOf } from '../thresholds.js'
import type { Precision, TokenComparison } from '../types.js'
import { roundedUp } from './propose.js'
import type { Calibration } from './types.js'

/** The relative noise of the hidden state that the law assumes: more than that of most models. */
const TYPICAL: Readonly<Record<RoundedPrecision, number>> = { bf16: 2 ** -6, fp16: 2 ** -9 }

const SAID = 'the noise law: all runs are equal bit for bit, so nothing was measured'

/**
 * Limits for runs that are equal bit for bit, and so show no spread: what the noise law says of the precision at the logits of
 * these tokens. The limits of the precision, if it has no law (fp32) or the noise of the rows is not known.
 */
export function limitsByLaw(
  tokens: readonly TokenComparison[],
  precision: Precision,
): Pick<Calibration, 'spread' | 'tokenLimits' | 'runLimits'> {
  const reference = thresholdsOf(precision, {})
  const largest = precision === 'fp32' ? [] : tokens.flatMap((token) => largestOf(token, precision))
  const cosineSimilarity = {
    limit: reference.cosineSimilarity,
    reason: `the default limit of ${precision}; all runs are equal bit for bit, so nothing was measured`,
  }
  if (precision === 'fp32' || largest.length < tokens.length) {
    const klDivergence = { ...cosineSimilarity, limit: reference.klDivergence }
    return { spread: {}, tokenLimits: { klDivergence, cosineSimilarity }, runLimits: {} }
  }
  const most = largest.reduce((a, b) => Math.max(a, b))
  const noise = TYPICAL[precision]
  return {
    spread: {},
    tokenLimits: {
      klDivergence: {
        limit: roundedUp(most),
        reason: `${SAID}; the most that a relative noise of ${significant(noise, 3)} makes at these logits in one token in a million`,
      },
      cosineSimilarity,
      relativeSpread: {
        limit: SPREAD_LIMITS[precision].token,
        reason: `${SAID}; the largest relative spread of honest ${precision} runs`,
      },
    },
    runLimits: {},
  }
}

/** L with ν = 1, its largest; none if the row's facts are not known. */
function largestOf({ golden, noise, topProbability }: TokenComparison, precision: RoundedPrecision): number[] {
  const logit = golden?.top1Logit
  if (logit === undefined || topProbability === undefined || !(noise && noise.goldenDeviation > 0)) return []
  const errors = TYPICAL[precision] * noise.goldenDeviation
  const mean = estimatedDivergence({ logit, probability: topProbability }, precision, errors, 2)
  return [largestDivergence({ mean, freedom: 1 }, 1)]
}
