import { type KnownIds, knownBounds } from '../metrics/known-ids.js'
import type { RowStats } from '../metrics/types.js'
import type { BoundedRows } from './outcome.js'

/** What one side lists. `width`: its vocabulary size, unless only some ids are known. */
interface Listed {
  readonly known?: KnownIds
  readonly width?: number
}

/** Why two rows, of which at least one lists some vocab ids only, are of different vocabularies; undefined if they may agree. */
export function beyondVocabulary(golden: Listed, dump: Listed): string | undefined {
  for (const [name, { known }, other, { width }] of [
    ['golden', golden, 'dump', dump] as const,
    ['dump', dump, 'golden', golden] as const,
  ]) {
    const highest = known?.ids.at(-1)
    if (width !== undefined && highest !== undefined && highest >= width) {
      return `the ${name} lists vocab id ${highest}, and the ${other} has ${width} columns`
    }
  }
  return undefined
}

/** How far each id that is not listed may have moved, for the number that is printed beside the bounds. */
const ASSUMED_NATS = 0.1

/** What two rows say of each other, of which at least one lists some vocab ids only. */
export function boundKnown(golden: KnownIds, dump: KnownIds): BoundedRows {
  const { klDivergence, totalVariation, jensenShannon, known, knownKl, goldenRest } = knownBounds(golden, dump)
  const most = Math.max(0, knownKl + goldenRest * ASSUMED_NATS)
  const beyond = `the vocab ids that both sides list are ${known}, the others hold ${goldenRest.toPrecision(3)} of the golden's probability`
  const assumed = `if none of those moved by over ${ASSUMED_NATS} nat, KL divergence is at most ${most.toPrecision(4)}`
  return {
    kind: 'bounded',
    bounds: { klDivergence, totalVariation, jensenShannonDivergence: jensenShannon },
    advice: `${beyond}: nothing bounds KL divergence from above (${assumed}); set a limit for totalVariation, or compare whole rows`,
    known: { ids: known, rest: goldenRest },
    golden: topOf(golden, dump),
    dump: topOf(dump, golden),
  }
}

function topOf(one: KnownIds, other: KnownIds): Partial<RowStats> {
  const top = indexOfTop(one)
  if (!one.hasTop || top < 0) return {}
  const otherTop = other.hasTop ? other.ids[indexOfTop(other)]! : -1
  const at = one.ids.indexOf(otherTop)
  const log = one.logs[top]!
  return { top1: one.ids[top]!, top1Logit: log, max: log, ...(at >= 0 && { logitAtOtherTop1: one.logs[at]! }) }
}

function indexOfTop({ logs }: KnownIds): number {
  let top = logs.length > 0 ? 0 : -1
  for (let i = 1; i < logs.length; i++) if (logs[i]! > logs[top]!) top = i
  return top
}
