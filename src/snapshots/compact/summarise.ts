import { scanRow } from '../../metrics/row-scan.js'
import { digestOfIds, directionOf, type LogSum, logProb, logSumOf, suppressedIds, tailRootsOf } from './row-facts.js'
import { packSketch, sketchBoth } from './sketch.js'
import { type CompactRow, RANGES, ROOT_STEP, rangeOf, SUPPRESSED } from './types.js'

/**
 * The compact form of a row: its `k` most probable vocab ids (fewer if the others have almost no probability) and sums over the
 * rest.
 * @param row free of NaN and +Inf, with a finite logit
 * @param k at least 1
 */
export function summarise(row: Float32Array, k: number): CompactRow {
  const count = row.length
  const { top1, top1Logit } = scanRow(row, count)
  const total = logSumOf(row)
  const ids = mostProbable(row, k, total)
  const roots = new Uint32Array(ids.length)
  const listed = new Uint8Array(count)
  ids.forEach((id, i) => {
    roots[i] = rootCode(logProb(row[id]!, total))
    listed[id] = 1
  })
  const ranges = Array.from({ length: RANGES }, () => ({ mass: 0, sum: 0, squares: 0 }))
  const moments = { sum: 0, squares: 0 }
  let [tailCeiling, tailEntropy, floor] = [Number.NEGATIVE_INFINITY, 0, 0]
  for (let i = 0; i < count; i++) {
    const logit = row[i]!
    const logP = logProb(logit, total)
    if (logP < SUPPRESSED) continue
    if (logP < floor) floor = logP
    moments.sum += logit
    moments.squares += logit * logit
    if (listed[i] === 1) continue
    const p = Math.exp(logP)
    const range = ranges[rangeOf(i, count)]!
    range.mass += p
    range.sum += logit
    range.squares += logit * logit
    tailEntropy += p * logP
    if (logP > tailCeiling) tailCeiling = logP
  }
  const suppressed = suppressedIds(row, total)
  const [direction, tailRoots] = sketchBoth(directionOf(row, total, moments), tailRootsOf(row, total, listed))
  return {
    count,
    top1,
    top1Logit,
    logSumExp: total.max + total.log,
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

function rootCode(logP: number): number {
  return Math.round(Math.exp(logP / 2) / ROOT_STEP)
}

/** At most `k` ids, ascending, without those whose root rounds to 0. */
function mostProbable(row: Float32Array, k: number, total: LogSum): Uint32Array {
  const sorted = row.slice().sort()
  const threshold = sorted[Math.max(0, row.length - k)]!
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
