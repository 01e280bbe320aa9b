import type { Dtype } from '../tensor/dtype.js'
import type { MeasuredPair } from './comparison.js'
import type { PairOutcome } from './measure-pair.js'

/** The dtypes of both sides of those outcomes that count. */
export function dtypesOf(measured: Iterable<MeasuredPair>, counts: (outcome: PairOutcome) => boolean): Set<Dtype> {
  const dtypes = new Set<Dtype>()
  for (const { outcome } of measured) {
    if (!outcome || !counts(outcome)) continue
    if (outcome.golden.dtype) dtypes.add(outcome.golden.dtype)
    if (outcome.dump.dtype) dtypes.add(outcome.dump.dtype)
  }
  return dtypes
}
