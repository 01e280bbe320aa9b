import { sha256 } from '../../lib/optional-packages.js'
import { HIGHEST, LARGEST, type SketchKernel, type Sums, type Weights } from '../../metrics/sketches/sketch-kernel.js'
import { float32Above, nextFloat32 } from './float32.js'
import { sketchOf } from './sketch.js'
import { type Fill, RANGES, SUPPRESSED, startOf } from './types.js'

/**
 * ln Σ exp(logit) as two numbers. Their sum would lose the second one if logits are huge, as in a row of the lowest numbers of
 * a dtype, which has probabilities, too.
 */
export interface LogSum {
  /** The highest logit. */
  readonly max: number
  /** ln Σ exp(logit − max) */
  readonly log: number
}

/** The log-probability of a logit. */
export function logProb(logit: number, { max, log }: LogSum): number {
  return logit - max - log
}

/** What a row says by itself. */
export interface RowFacts {
  readonly total: LogSum
  /** The lowest float32 that is not suppressed. */
  readonly least: number
  /** Over all ids that are not suppressed. */
  readonly moments: Sums
  /** Suppressed ids, and how many of them are −Inf. */
  readonly suppressed: number
  readonly infinite: number
  readonly suppressedDigest: Uint8Array
  readonly fill: Fill | undefined
}

/** Copies the row into the kernel. @param row free of NaN and +Inf, with a finite logit */
export function rowFacts(kernel: SketchKernel, row: Float32Array): RowFacts {
  const count = row.length
  kernel.row(count).set(row)
  const { max } = kernel.sumBetween(0, count, -HIGHEST, HIGHEST)
  const total = { max, log: Math.max(0, Math.log(kernel.sumExponentials(max))) }
  const least = float32Above(SUPPRESSED + total.log + max)
  const moments = kernel.sumBetween(0, count, least, HIGHEST)
  const suppressed = count - moments.count
  const ids = suppressed === 0 ? NO_IDS : suppressedIds(row, least)
  const hasFill = suppressed > ids.infinite.length
  const { sum, squares, min, max: most } = kernel.sumBetween(0, hasFill ? count : 0, -HIGHEST, nextFloat32(least, -1))
  return {
    total,
    least,
    moments,
    suppressed,
    infinite: ids.infinite.length,
    suppressedDigest: suppressed === 0 ? DIGEST_OF_NO_IDS : digestOfIds(ids.all),
    fill: hasFill ? { sum, squares, min, max: most, infiniteDigest: digestOfIds(ids.infinite) } : undefined,
  }
}

const NO_IDS: { all: number[]; infinite: number[] } = { all: [], infinite: [] }

/** Ascending. */
function suppressedIds(row: Float32Array, least: number): { all: number[]; infinite: number[] } {
  const ids: typeof NO_IDS = { all: [], infinite: [] }
  for (let i = 0; i < row.length; i++) {
    if (row[i]! >= least) continue
    ids.all.push(i)
    if (row[i] === Number.NEGATIVE_INFINITY) ids.infinite.push(i)
  }
  return ids
}

/** That of most rows: the SHA-256 of nothing. Not to be changed. */
export const DIGEST_OF_NO_IDS = Uint8Array.from(Buffer.from('e3b0c44298fc1c149afbf4c8996fb924', 'hex'))

/** SHA-256 of ascending vocab ids as little-endian uint32, its first 16 bytes. */
function digestOfIds(ids: readonly number[]): Uint8Array {
  return Uint8Array.from(sha256(new Uint8Array(Uint32Array.from(ids).buffer)).subarray(0, 16))
}

/** A row without its listed and its suppressed ids, and its sketches. */
export interface TailFacts {
  readonly ranges: readonly (Sums & Weights)[]
  /** Σp·ln p, at most 0. */
  readonly entropy: number
  /** The highest log-probability; −Infinity if the tail is empty. */
  readonly ceiling: number
  /**
   * Sketch of the logits that are not suppressed, divided by their norm, minus their mean; 0 for suppressed ids, and everywhere if
   * the norm is 0. For two rows of n such logits, the squared distance of the vectors plus n times the squared difference of the
   * means is 2 · (1 − cosine similarity).
   */
  readonly direction: Float64Array
  /** Sketch of √p, 0 for listed and suppressed ids: the distance of two such vectors is Hellinger's. */
  readonly tailRoots: Float64Array
}

/**
 * Works on the row that `rowFacts` copied into the kernel, and sets its listed logits to NaN.
 * @param size of the sketches
 */
export function tailFacts(
  kernel: SketchKernel,
  facts: RowFacts,
  count: number,
  listed: Uint32Array,
  size: number,
): TailFacts {
  const { total, least, moments } = facts
  const mean = moments.sum / moments.count
  const farthest = Math.max(moments.max - mean, mean - moments.min)
  const centeredScale = farthest > 0 ? LARGEST / farthest : 0
  kernel.quantiseCentered(least, mean, centeredScale)
  const row = kernel.row(count)
  for (const id of listed) row[id] = Number.NaN
  const sums = Array.from({ length: RANGES }, (_, i) => {
    return kernel.sumBetween(startOf(i, count), startOf(i + 1, count), least, HIGHEST)
  })
  const highest = sums.reduce((max, range) => Math.max(max, range.max), Number.NEGATIVE_INFINITY)
  const rootScale = highest > Number.NEGATIVE_INFINITY ? LARGEST / Math.exp((highest - total.max) / 2) : 0
  const ranges = sums.map((range, i) => {
    const [from, to] = [startOf(i, count), startOf(i + 1, count)]
    const { mass, weighted } = kernel.quantiseRoots(from, to, least, total.max, rootScale)
    const p = Math.exp(-total.log)
    return { ...range, mass: mass * p, weighted: (weighted - total.log * mass) * p }
  })
  const { centered, roots } = kernel.sketch(size)
  const norm = Math.sqrt(moments.squares)
  return {
    ranges,
    entropy: ranges.reduce((sum, range) => sum + range.weighted, 0),
    ceiling: logProb(highest, total),
    direction: sketchOf(centered, centeredScale > 0 ? 1 / centeredScale / norm : 0),
    tailRoots: sketchOf(roots, rootScale > 0 ? Math.exp(-total.log / 2) / rootScale : 0),
  }
}
