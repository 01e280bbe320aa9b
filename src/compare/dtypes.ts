import type { Dtype } from '../tensor/dtype.js'
import type { PairOutcome } from './measure-pair.js'

/** The dtypes of both sides of an outcome, as far as they were learnt. */
export function addDtypes(dtypes: Set<Dtype>, { golden, dump }: PairOutcome): void {
  if (golden.dtype) dtypes.add(golden.dtype)
  if (dump.dtype) dtypes.add(dump.dtype)
}
