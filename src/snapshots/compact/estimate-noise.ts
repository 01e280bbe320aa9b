import type { EstimatedNoise } from '../../measure/outcome.js'
import { LEAST_COLUMNS } from '../../metrics/noise.js'
import type { DumpFacts } from './dump-facts.js'
import { estimatedDistance } from './sketch.js'
import { type CompactRow, type Moments, ROOT_STEP } from './types.js'

/** With a lower variance, relative to its mean square, a row has lost its digits. */
const LEAST_VARIANCE = 1e-6

/**
 * The noise between the golden's row g and a dump's row m of n logits. The sketches of their directions, times the norms of the
 * rows, are the sketches of the rows without their means: they estimate n·Var(m − g).
 * @returns undefined if the rows suppress different ids or finite logits, or have too few logits or digits
 */
export function estimateNoise(golden: CompactRow, dump: DumpFacts): EstimatedNoise | undefined {
  const size = golden.count - golden.suppressed
  const areFinite = golden.infinite === golden.suppressed && dump.infinite === dump.suppressed
  if (!dump.sameSupport || !areFinite || size < LEAST_COLUMNS) return undefined
  const [g, m] = [golden.moments, dump.moments]
  const variance = varianceOf(g, size)
  if (!(variance > LEAST_VARIANCE * (g.squares / size)) || !(m.squares > 0)) return undefined
  const gaps = estimatedDistance(golden.direction, Math.sqrt(g.squares), dump.direction, Math.sqrt(m.squares)) / size
  return {
    relativeSpread: Math.sqrt(gaps / variance),
    goldenDeviation: Math.sqrt(variance),
    groups: groupsOf(golden),
  }
}

function varianceOf({ sum, squares }: Moments, size: number): number {
  return squares / size - (sum / size) ** 2
}

/** The listed logits, and the probability of the tail as if all of it had the highest logit of the tail. */
function groupsOf({ roots, logSumExp, masses, tailCeiling }: CompactRow): EstimatedNoise['groups'] {
  const listed = Array.from(roots, (root) => 2 * Math.log(root * ROOT_STEP) + logSumExp)
  const mass = masses.reduce((total, ofRange) => total + ofRange, 0)
  if (!(mass > 0) || !Number.isFinite(tailCeiling)) return [{ logits: listed, weight: 1 }]
  const tail = { logits: [tailCeiling + logSumExp], weight: mass / Math.exp(tailCeiling) }
  return [{ logits: listed, weight: 1 }, tail]
}
