import { sketchKernel } from '../../metrics/sketches/index.js'
import type { SketchKernel, Sums } from '../../metrics/sketches/sketch-kernel.js'
import { type LogSum, logProb, type RowFacts, rowFacts, type TailFacts, tailFacts } from './row-facts.js'
import { type CompactRow, startOf } from './types.js'

/** One range of the dump's tail: ids that the golden does not list. */
export interface DumpRange extends Sums {
  /** ln Σq, q = softmax of the dump */
  readonly logMass: number
  /** ln q of each id. */
  logProbs(): Float64Array
}

/** The dump's row, divided like the golden's. */
export interface DumpFacts extends Omit<RowFacts, 'least'>, Pick<TailFacts, 'ceiling' | 'direction' | 'tailRoots'> {
  readonly row: Float32Array
  /** Both rows suppress the same ids. The ranges then do not contain them. */
  readonly sameSupport: boolean
  readonly ranges: readonly DumpRange[]
}

/** @param row of the golden's vocabulary size, free of NaN and +Inf, with a finite logit */
export function dumpFacts(golden: CompactRow, row: Float32Array, kernel: SketchKernel = sketchKernel()): DumpFacts {
  const { count } = golden
  const facts = rowFacts(kernel, row)
  const { least, suppressed, suppressedDigest } = facts
  const sameSupport =
    suppressed === golden.suppressed && Buffer.compare(suppressedDigest, golden.suppressedDigest) === 0
  const tail = tailFacts(kernel, facts, count, golden.ids, golden.direction.numbers.length)
  const floor = sameSupport ? least : Number.NEGATIVE_INFINITY
  const ranges = tail.ranges.map((range, i): DumpRange => {
    const [from, to] = [startOf(i, count), startOf(i + 1, count)]
    const sums = sameSupport ? range : kernel.sumBetween(from, to, floor, HIGHEST)
    const logProbs = () => logProbsOf(row.subarray(from, to), unlisted(golden.ids, from, to), floor, facts.total)
    // A lower mass has lost digits, or all of them.
    const logMass = range.mass > LEAST_MASS ? Math.log(range.mass) : logSumOf(logProbs())
    return { ...sums, logMass, logProbs }
  })
  const { ceiling, direction, tailRoots } = tail
  return { ...facts, row, sameSupport, ranges, ceiling, direction, tailRoots }
}

const HIGHEST = Number.POSITIVE_INFINITY

const LEAST_MASS = 1e-280

/** For each id of a range whether it is not listed. */
function unlisted(listed: Uint32Array, from: number, to: number): Uint8Array {
  const flags = new Uint8Array(to - from).fill(1)
  for (const id of listed) if (id >= from && id < to) flags[id - from] = 0
  return flags
}

function logProbsOf(row: Float32Array, wanted: Uint8Array, floor: number, total: LogSum): Float64Array {
  const values = new Float64Array(row.length)
  let count = 0
  for (let i = 0; i < row.length; i++) {
    if (wanted[i] === 1 && row[i]! >= floor) values[count++] = logProb(row[i]!, total)
  }
  return values.subarray(0, count)
}

/** ln Σ exp(value) */
function logSumOf(values: Float64Array): number {
  const max = values.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY)
  if (max === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY
  return max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0))
}
