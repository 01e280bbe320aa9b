import { sketchKernel } from '../../metrics/sketches/index.js'
import type { SketchKernel } from '../../metrics/sketches/sketch-kernel.js'
import { float32Above, float32Below } from './float32.js'
import { type LogSum, logProb, rowFacts, tailFacts } from './row-facts.js'
import { nthHighest } from './select.js'
import { packSketch, SKETCH_SIZE } from './sketch.js'
import { type CompactRow, ROOT_STEP } from './types.js'

/**
 * The compact form of a row: its `k` most probable vocab ids (fewer if the others have almost no probability) and sums over the
 * rest.
 * @param row free of NaN and +Inf, with a finite logit
 * @param k at least 1
 */
export function summarise(row: Float32Array, k: number, kernel: SketchKernel = sketchKernel()): CompactRow {
  const count = row.length
  const facts = rowFacts(kernel, row)
  const { total, moments, suppressed, infinite, suppressedDigest, fill } = facts
  const ids = mostProbable(row, k, total)
  const tail = tailFacts(kernel, facts, count, ids, SKETCH_SIZE)
  return {
    count,
    top1: row.indexOf(total.max),
    top1Logit: total.max,
    logSumExp: total.max + total.log,
    ids,
    roots: Uint32Array.from(ids, (id) => rootCode(logProb(row[id]!, total))),
    tailCeiling: float32Above(tail.ceiling),
    tailEntropy: tail.entropy,
    masses: tail.ranges.map(({ mass }) => float32Above(mass)),
    suppressed,
    infinite,
    suppressedDigest,
    ...(fill && { fill }),
    floor: float32Below(logProb(moments.min, total)),
    moments: { sum: moments.sum, squares: moments.squares },
    direction: packSketch(tail.direction),
    tailRoots: packSketch(tail.tailRoots),
  }
}

function rootCode(logP: number): number {
  return Math.round(Math.exp(logP / 2) / ROOT_STEP)
}

/** The root of a lower log-probability rounds to 0. */
const LEAST_LISTED = 2 * Math.log(ROOT_STEP / 2) - 1e-6

/** At most `k` ids, ascending, without those whose root rounds to 0. */
function mostProbable(row: Float32Array, k: number, total: LogSum): Uint32Array {
  // Of huge logits, those below the maximum are out of reach.
  const least = Math.min(total.max, total.max + total.log + LEAST_LISTED)
  const threshold = Math.max(least, nthHighest(row, k))
  const above: number[] = []
  const equal: number[] = []
  for (let i = 0; i < row.length; i++) {
    const logit = row[i]!
    if (logit < threshold || rootCode(logProb(logit, total)) === 0) continue
    if (logit > threshold) above.push(i)
    else equal.push(i)
  }
  return Uint32Array.from([...above, ...equal.slice(0, Math.max(0, k - above.length))]).sort()
}
