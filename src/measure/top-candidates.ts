import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { type TopLogit, topLogits } from '../metrics/top-logits.js'
import { exactRow } from '../tensor/widen.js'
import { planOneSide, planRanks, type RowPlan, readPlan, roomOf } from './ranks.js'
import type { Prepared, RowSources } from './row-source.js'

/** The most probable vocab ids of both sides; a side is absent if its row is not known whole. */
export interface Candidates {
  readonly golden?: readonly TopLogit[]
  readonly dump?: readonly TopLogit[]
}

/** How many of each side are kept. */
const TOP = 10

/**
 * Reads the rows of a step again for its most probable ids, from the highest on. The logits of log-probabilities are these.
 * @param vocabSize cuts columns off both rows, as in the comparison
 */
export function topCandidates(
  golden: DumpStep,
  dump: DumpStep,
  sources: RowSources,
  vocabSize: number | undefined,
): Candidates {
  const g = sources.golden.prepare(golden, true)
  const d = sources.dump.prepare(dump, true)
  try {
    const plans = g.kind === 'row' && d.kind === 'row' ? planRanks(g, d, vocabSize) : undefined
    if (plans && 'reason' in plans) return {}
    const [top, other] = [topOf(g, plans?.golden, vocabSize), topOf(d, plans?.dump, vocabSize)]
    return { ...(top && { golden: top }), ...(other && { dump: other }) }
  } catch (error) {
    // The comparison has reported what is wrong with the file.
    if (error instanceof GoldenLogitsError) return {}
    throw error
  } finally {
    if (g.kind === 'row') g.close()
    if (d.kind === 'row') d.close()
  }
}

function topOf(
  prepared: Prepared,
  planned: RowPlan | undefined,
  vocabSize: number | undefined,
): TopLogit[] | undefined {
  if (prepared.kind === 'log-probs') return topLogits(prepared.read().logs, TOP)
  if (prepared.kind !== 'row') return undefined
  const plan = planned ?? planOneSide(prepared, vocabSize)
  if ('reason' in plan) return undefined
  const bytes = new Uint8Array(roomOf(plan))
  const start = readPlan(plan, bytes)!
  const count = Math.min(vocabSize ?? plan.width, plan.width)
  return topLogits(exactRow(bytes.subarray(start), prepared.dtype, count), TOP)
}
