import type { DumpStep } from '../dumps/types.js'
import type { PairOutcome } from './measure-pair.js'
import type { TokenSide } from './types.js'

/** An outcome as it is kept: made in this thread's own context, whatever thread it came from, with the files and layers of its steps. */
export function settle(outcome: PairOutcome, golden: DumpStep, dump: DumpStep): PairOutcome {
  return { ...copied(outcome), golden: sideOf(golden, outcome.golden), dump: sideOf(dump, outcome.dump) }
}

function sideOf({ files, layer }: DumpStep, { files: _, layer: __, ...facts }: TokenSide): TokenSide {
  return { files, layer, ...copied(facts) }
}

/** A copy of plain data. */
function copied<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Array.from(value, copied) as T
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) copy[key] = copied((value as Record<string, unknown>)[key])
  return copy as T
}
