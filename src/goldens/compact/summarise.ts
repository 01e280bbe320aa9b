import { scanRow } from '../../metrics/row-scan.js'
import { packSketch, sketchBoth } from './sketch.js'
import { digestOfIds, suppressedIds } from './suppressed.js'
import { type CompactRow, RANGES, ROOT_STEP, rangeOf, SUPPRESSED } from './types.js'
import { directionOf, tailRootsOf } from './vectors.js'

/** ln Σ exp(logit) in float64; `max` is the row's maximum. */
export function logSumExp(row: Float32Array, max: number): number {
  let sum = 0
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i]! - max)
  return max + Math.log(sum)
}

/**
 * The compact form of a row: its `k` most probable vocab ids (fewer where the others are next to impossible) and sums over
 * the rest.
 * @param row free of NaN and +Inf, with a finite logit
 * @param k at least 1
 */
export function summarise(row: Float32Array, k: number): CompactRow {
  const count = row.length
  const { max, top1, top1Logit } = scanRow(row, count)
  const total = logSumExp(row, max)
  const ids = mostProbable(row, k, total)
  const roots = new Uint32Array(ids.length)
  const listed = new Uint8Array(count)
  ids.forEach((id, i) => {
    roots[i] = rootCode(row[id]! - total)
    listed[id] = 1
  })
  const ranges = Array.from({ length: RANGES }, () => ({ mass: 0, sum: 0, squares: 0 }))
  const moments = { sum: 0, squares: 0 }
  let [tailCeiling, tailEntropy, floor] = [Number.NEGATIVE_INFINITY, 0, 0]
  for (let i = 0; i < count; i++) {
    const logit = row[i]!
    const logProb = logit - total
    if (logProb < SUPPRESSED) continue
    if (logProb < floor) floor = logProb
    moments.sum += logit
    moments.squares += logit * logit
    if (listed[i] === 1) continue
    const p = Math.exp(logProb)
    const range = ranges[rangeOf(i, count)]!
    range.mass += p
    range.sum += logit
    range.squares += logit * logit
    tailEntropy += p * logProb
    if (logProb > tailCeiling) tailCeiling = logProb
  }
  const suppressed = suppressedIds(row, total)
  const [direction, tailRoots] = sketchBoth(directionOf(row, total, moments), tailRootsOf(row, total, listed))
  return {
    count,
    top1,
    top1Logit,
    logSumExp: total,
    ids,
    roots,
    tailCeiling,
    tailEntropy,
    ranges,
    suppressed: suppressed.ids.length,
    infinite: suppressed.infinite,
    suppressedDigest: digestOfIds(suppressed.ids),
    floor,
    moments,
    direction: packSketch(direction),
    tailRoots: packSketch(tailRoots),
  }
}

function rootCode(logProb: number): number {
  return Math.round(Math.exp(logProb / 2) / ROOT_STEP)
}

/** At most `k` ids, ascending, none with a root that rounds to 0. */
function mostProbable(row: Float32Array, k: number, total: number): Uint32Array {
  const sorted = row.slice().sort()
  const threshold = sorted[Math.max(0, row.length - k)]!
  const above: number[] = []
  const equal: number[] = []
  for (let i = 0; i < row.length; i++) {
    const logit = row[i]!
    if (logit < threshold || rootCode(logit - total) === 0) continue
    if (logit > threshold) above.push(i)
    else equal.push(i)
  }
  return Uint32Array.from([...above, ...equal.slice(0, Math.max(0, k - above.length))]).sort()
}
