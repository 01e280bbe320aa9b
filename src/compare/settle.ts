import type { DumpStep } from '../dumps/types.js'
import type { PairOutcome } from './measure-pair.js'
import type { TokenSide } from './types.js'

/** An outcome as it is kept: made in this thread's own context, whatever thread it came from, with the files and layers of its steps. */
export function settle(outcome: PairOutcome, golden: DumpStep, dump: DumpStep): PairOutcome {
  const settled = copied(outcome)
  place(settled.golden, golden)
  place(settled.dump, dump)
  return settled
}

function place(side: TokenSide, { files, layer }: DumpStep): void {
  side.files = files
  side.layer = layer
}

/** A copy of plain data. */
function copied<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Array.from(value, copied) as T
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) copy[key] = copied((value as Record<string, unknown>)[key])
  return copy as T
}
