import type { PairOutcome } from '../measure-pair.js'
import type { WholePair } from './segment.js'

/**
 * An outcome as if this thread had measured it. What a message brings is made of the main context's objects and arrays: in
 * a runner's environment that has its own, `toStrictEqual` would tell them apart.
 */
export function adopt(outcome: PairOutcome, { golden, dump }: WholePair): PairOutcome {
  const own = copied(outcome)
  own.golden.files = [...golden.files]
  own.golden.layer = golden.layer
  own.dump.files = [...dump.files]
  own.dump.layer = dump.layer
  return own
}

/** A copy of plain data in objects of this context. */
function copied<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Array.from(value, copied) as T
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) copy[key] = copied((value as Record<string, unknown>)[key])
  return copy as T
}
