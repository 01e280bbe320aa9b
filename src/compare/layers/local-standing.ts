import type { LocalError } from '../../measure/layers/local/measure-local.js'
import type { Precision } from '../types.js'
import type { LayerScore, RankedLayer } from './types.js'

/**
 * The largest distance of an output from what its own input makes: four units in the last place for bf16 and fp16. Kernels in
 * float32 differ more by the order in which they add up than by rounding.
 */
const LOCAL_LIMIT: Readonly<Record<Precision, number>> = { bf16: 2 ** -7, fp16: 2 ** -10, fp32: 2 ** -16 }

const ATTENTION_LIMIT: Readonly<Record<Precision, number>> = { bf16: 2 ** -5, fp16: 2 ** -7, fp32: 2 ** -12 }

/** The limit of what was computed. */
export function limitOf({ isAttention }: LocalError, precision: Precision): number {
  return (isAttention ? ATTENTION_LIMIT : LOCAL_LIMIT)[precision]
}

/**
 * `silent`: the golden itself does not agree with the formula, so the formula or the weight is another one. `open`: neither
 * right nor wrong.
 */
type LocalStanding = 'right' | 'wrong' | 'open' | 'silent'

export function standingOf(local: LocalError, precision: Precision): LocalStanding {
  const { golden, dump } = local
  const limit = limitOf(local, precision)
  if (!(golden <= limit / 2)) return 'silent'
  if (dump > limit) return 'wrong'
  return dump <= limit / 2 ? 'right' : 'open'
}

/** The first layer whose output differs from what its formula makes of the same input; -1 if all agree. */
export function firstWrong(layers: readonly RankedLayer[], precision: Precision): number {
  return layers.findIndex(({ local }) => local && standingOf(local, precision) === 'wrong')
}

/** A layer that makes of its input what it should is not at fault, even if its error is large: its score loses its ratios. */
export function withoutRight(
  layers: readonly RankedLayer[],
  scores: readonly LayerScore[],
  precision: Precision,
): LayerScore[] {
  return scores.map((score, i) => {
    const { local } = layers[i]!
    const isRight = local !== undefined && standingOf(local, precision) === 'right'
    return isRight ? { positions: score.positions, output: score.output } : score
  })
}
