import type { TokenComparison } from '../types.js'
import type { MeasuredRunKey, QuantityKey, TokenLimitKey } from './types.js'

/** A number of one token that shows how far it is from its golden: the higher, the worse. */
export interface Quantity {
  readonly key: QuantityKey
  readonly label: string
  /** Undefined if the token does not show it. */
  readonly value: (token: Pick<TokenComparison, 'metrics' | 'noise'>) => number | undefined
  /** It grows with the square of the errors. */
  readonly isSquare?: true
  /** The limit on each token; absent if the quantity is only measured. */
  readonly tokenLimit?: TokenLimitKey
  /** The limit over a run. */
  readonly runLimit?: MeasuredRunKey
}

/** Every quantity that is calibrated. Limits, file and messages derive from this table. */
export const QUANTITIES: readonly Quantity[] = [
  {
    key: 'klDivergence',
    label: 'KL divergence',
    value: ({ metrics }) => metrics?.klDivergence,
    isSquare: true,
    tokenLimit: 'klDivergence',
    runLimit: 'meanKl',
  },
  {
    // Cosines near 1 differ in their distance from it.
    key: 'cosineDistance',
    label: '1 - cosine similarity',
    value: ({ metrics }) => (metrics?.cosineSimilarity === undefined ? undefined : 1 - metrics.cosineSimilarity),
    isSquare: true,
    tokenLimit: 'cosineSimilarity',
  },
  {
    key: 'relativeSpread',
    label: 'relative spread',
    value: ({ noise }) => noise?.relativeSpread,
    tokenLimit: 'relativeSpread',
    runLimit: 'medianSpread',
  },
  {
    // |ratio of standard deviations − 1|: a factor on the logits shows here first, and noise hardly changes it.
    key: 'scaleError',
    label: 'scale error',
    value: ({ noise }) => (noise === undefined ? undefined : Math.abs(noise.deviationRatio - 1)),
    tokenLimit: 'scaleError',
    runLimit: 'medianScaleError',
  },
  {
    // Max over mean absolute error: a fault in few vocab ids stands out from the noise of all, however large that is.
    key: 'errorPeak',
    label: 'error peak',
    value: ({ metrics }) => peakOf(metrics?.maxAbsoluteError, metrics?.meanAbsoluteError),
    tokenLimit: 'errorPeak',
    runLimit: 'medianPeak',
  },
  // A shift of all logits, which changes no probability, moves these: they are measured only.
  { key: 'maxAbsoluteError', label: 'max absolute error', value: ({ metrics }) => metrics?.maxAbsoluteError },
  { key: 'meanAbsoluteError', label: 'mean absolute error', value: ({ metrics }) => metrics?.meanAbsoluteError },
  {
    key: 'relativeEuclideanDistance',
    label: 'relative Euclidean distance',
    value: ({ metrics }) => metrics?.relativeEuclideanDistance,
  },
]

/** Equal rows have no error, so no peak. */
function peakOf(max: number | undefined, mean: number | undefined): number | undefined {
  if (max === undefined || mean === undefined) return undefined
  return mean > 0 ? max / mean : 0
}

export function quantityNamed(key: QuantityKey): Quantity {
  return QUANTITIES.find((quantity) => quantity.key === key)!
}
