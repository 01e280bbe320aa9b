import { digestOfIds, directionOf, type LogSum, logProb, logSumOf, suppressedIds, tailRootsOf } from './row-facts.js'
import { sketchBoth } from './sketch.js'
import { type CompactRow, type Moments, RANGES, rangeOf, SUPPRESSED } from './types.js'

/** One range of the dump's tail: ids that the golden does not list. */
export interface DumpRange {
  /** Number of ids. */
  size: number
  /** ln Σq, q = softmax of the dump */
  logMass: number
  /** Σ logit and Σ logit² */
  sum: number
  squares: number
  /** Ascending. */
  logits: Float32Array
}

/** The dump's row, divided like the golden's. */
export interface DumpFacts {
  row: Float32Array
  total: LogSum
  /** Both rows suppress the same ids. The ranges then do not contain them. */
  sameSupport: boolean
  /** Number of −Inf logits. */
  infinite: number
  ranges: DumpRange[]
  /** Over all ids that are not suppressed. */
  moments: Moments
  /** The sketches that a snapshot stores, not rounded. */
  direction: Float64Array
  tailRoots: Float64Array
}

/** @param row of the golden's vocabulary size, free of NaN and +Inf, with a finite logit */
export function dumpFacts(golden: CompactRow, row: Float32Array): DumpFacts {
  const { count } = golden
  const total = logSumOf(row)
  const { ids, infinite } = suppressedIds(row, total)
  const sameSupport =
    ids.length === golden.suppressed && Buffer.compare(digestOfIds(ids), golden.suppressedDigest) === 0
  const listed = new Uint8Array(count)
  for (const id of golden.ids) listed[id] = 1
  const ranges = Array.from({ length: RANGES }, () => ({ size: 0, sum: 0, squares: 0 }))
  const tail = new Float32Array(count)
  let length = 0
  const moments = { sum: 0, squares: 0 }
  for (let i = 0; i < count; i++) {
    const logit = row[i]!
    const isSuppressed = logProb(logit, total) < SUPPRESSED
    if (!isSuppressed) {
      moments.sum += logit
      moments.squares += logit * logit
    }
    if (listed[i] === 1 || (sameSupport && isSuppressed)) continue
    const range = ranges[rangeOf(i, count)]!
    range.size++
    range.sum += logit
    range.squares += logit * logit
    tail[length++] = logit
  }
  // The ids ascend, so each range is one piece of the tail.
  let end = 0
  const completeRanges = ranges.map((range): DumpRange => {
    const logits = tail.subarray(end, end + range.size).sort()
    end += range.size
    return { ...range, logits, logMass: logMassOf(logits, total) }
  })
  const [direction, tailRoots] = sketchBoth(directionOf(row, total, moments), tailRootsOf(row, total, listed))
  return { row, total, sameSupport, infinite, ranges: completeRanges, moments, direction, tailRoots }
}

/** ln Σq of ascending logits. */
function logMassOf(logits: Float32Array, total: LogSum): number {
  // No logits, or all are −Inf.
  if ((logits.at(-1) ?? Number.NEGATIVE_INFINITY) === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY
  const { max, log } = logSumOf(logits)
  return logProb(max, total) + log
}
