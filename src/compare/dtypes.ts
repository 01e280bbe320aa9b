import type { Dtype } from '../tensor/dtype.js'

/** The dtypes of both sides, as far as they were learnt. */
export function addDtypes(dtypes: Set<Dtype>, { golden, dump }: Record<'golden' | 'dump', { dtype?: Dtype }>): void {
  if (golden.dtype) dtypes.add(golden.dtype)
  if (dump.dtype) dtypes.add(dump.dtype)
}
