import type { LazyTensor } from '../../tensor/tensor.js'
import { agreementOf } from './agreement.js'
import { sumTensor } from './derived-tensors.js'
import type { Grid } from './read-ranks.js'
import { type Candidate, keyOf, type Unread, WITH_RESIDUAL } from './readings.js'

/** The sums of two outputs of the same shape, which a layer of vLLM returns: hidden states and the residual. */
export function sumsOf(first: Grid, second: Grid): Grid | undefined {
  const isSameShape = (a: LazyTensor, b: LazyTensor | undefined) =>
    b !== undefined && a.dtype === b.dtype && String(a.shape) === String(b.shape)
  const isAlike = first.every((part, p) => part.every((tensor, r) => isSameShape(tensor, second[p]?.[r])))
  return isAlike ? first.map((part, p) => part.map((tensor, r) => sumTensor([tensor, second[p]![r]!]))) : undefined
}

/** An output that is this close to the other side is the one to compare; else one of the two must be twice as close. */
const CLOSE = 0.1
const CLOSER = 2

/**
 * The first output of a side, or its sum with the second: the one that agrees with the other side, which returns one.
 * @param key the reading of layers of the same kind, if the data leave it open
 */
export function withOrWithoutResidual(
  first: Candidate | Unread,
  sum: Candidate | Unread,
  side: 'golden' | 'dump',
  key: string | undefined,
): Candidate | Unread {
  if ('reason' in first || 'reason' in sum) return first
  const [alone, together] = [first, sum].map(
    ({ golden, dump }) => agreementOf(golden.tensor, dump.tensor).distance,
  ) as [number, number]
  const text = [sum[side].text, 'the sum of its first two outputs (hidden states and residual)']
  const summed = {
    ...sum,
    [side]: {
      ...sum[side],
      key: `${WITH_RESIDUAL}${sum[side].key}`,
      text: text.filter((part) => part !== '').join('; '),
    },
  }
  if (alone < CLOSE && alone <= together * CLOSER) return first
  if (together * CLOSER <= alone) return summed
  if (alone * CLOSER <= together || key === keyOf(first)) return first
  if (key === keyOf(summed)) return summed
  const reason = `the ${side} returns two tensors of one shape, and neither the first nor their sum agrees clearly with the other side`
  return { reason, undecided: true }
}
