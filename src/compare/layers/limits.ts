import { isHeadName } from '../../dumps/layouts/names.js'
import type { Named } from './names.js'

/** What a layer must exceed to be named. */
export interface Limits {
  /** By the rule `floor`: output error over the floor's, while the input error is not; and the amplification. */
  readonly floor: number
  readonly amplification: number
  /** By the rule `amplification`. */
  readonly alone: number
}

/**
 * The more positions, the lower. The positions of an attention are no independent estimates: they share the errors of keys and values,
 * and a softmax near a tie turns them into large ones.
 */
export function limitsOf(positions: number, layer?: Named): Limits {
  const isShared = layer !== undefined && isAttention(layer)
  if (positions >= 8) return isShared ? limits(3.5, 2.5, 8) : limits(2, 1.5, 2.5)
  if (positions >= 4) return isShared ? limits(4, 3, 9) : limits(2.25, 2, 4)
  // From one position to another, the error of honest logits varies eightfold: no limit separates a fault from that.
  if (layer !== undefined && isHeadName(layer.name)) return NEVER
  return isShared ? limits(5, 4, 12) : limits(2.5, 2.5, 5)
}

const NEVER: Limits = { floor: Infinity, amplification: Infinity, alone: Infinity }

function limits(floor: number, amplification: number, alone: number): Limits {
  return { floor, amplification, alone }
}

function isAttention({ name, type = '' }: Named): boolean {
  return /(?:attn|attention)$/i.test(name) || /attention$/i.test(type)
}
