import { sketchKernel } from '../../metrics/sketches/index.js'
import type { SketchKernel } from '../../metrics/sketches/sketch-kernel.js'
import { logProb, type RowFacts, rowFacts, type TailFacts, tailFacts } from './row-facts.js'
import { type CompactRow, startOf } from './types.js'

/** One range of the dump's tail: ids that the golden does not list. */
export interface DumpRange {
  /** Number of ids. */
  readonly size: number
  /** ln Σq, q = softmax of the dump */
  readonly logMass: number
  /** Σ logit and Σ logit² */
  readonly sum: number
  readonly squares: number
  /** The lowest logit; Infinity if there are none. */
  readonly lowest: number
  /** Ascending. */
  logits(): Float32Array
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
  const tail = tailFacts(kernel, facts, count, golden.ids)
  const floor = sameSupport ? least : Number.NEGATIVE_INFINITY
  const ranges = tail.ranges.map((range, i): DumpRange => {
    const [from, to] = [startOf(i, count), startOf(i + 1, count)]
    const { count: size, sum, squares, min } = sameSupport ? range : kernel.sumBetween(from, to, floor, HIGHEST)
    const logits = () => unlisted(row, golden.ids, from, to, floor).sort()
    // A lower mass has lost digits, or all of them.
    const logMass = range.mass > LEAST_MASS ? Math.log(range.mass) : logMassOf(logits(), facts)
    return { size, logMass, sum, squares, lowest: min, logits }
  })
  const { ceiling, direction, tailRoots } = tail
  return { ...facts, row, sameSupport, ranges, ceiling, direction, tailRoots }
}

const HIGHEST = Number.POSITIVE_INFINITY

const LEAST_MASS = 1e-280

function unlisted(row: Float32Array, listed: Uint32Array, from: number, to: number, floor: number): Float32Array {
  const part = row.slice(from, to)
  for (const id of listed) if (id >= from && id < to) part[id - from] = Number.NaN
  return part.filter((logit) => logit >= floor)
}

/** ln Σq of ascending logits. */
function logMassOf(logits: Float32Array, { total }: Pick<RowFacts, 'total'>): number {
  const max = logits.at(-1) ?? Number.NEGATIVE_INFINITY
  if (max === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY
  const sum = logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0)
  return logProb(max, total) + Math.log(sum)
}
