import type { DumpStep } from '../dumps/types.js'
import type { MeasuredRows, Metrics, RowStats, Support } from '../metrics/types.js'
import type { PairOutcome } from './measure-pair.js'
import type { TokenSide } from './types.js'

/**
 * An outcome in the form in which it is kept, for there may be a million: what is the same for many tokens (paths, shapes,
 * empty lists) is shared, and every number is there once.
 *
 * All of it is made here anew: what a message brought from another thread is of the main context, and in a runner's
 * environment that has its own, `instanceof Array` or `assert.deepStrictEqual` would tell it from what this thread made.
 */
export function settle(outcome: PairOutcome, golden: DumpStep, dump: DumpStep): PairOutcome {
  const notes = outcome.notes.length === 0 ? NO_NOTES : [...outcome.notes]
  if (outcome.kind !== 'compared' || outcome.rows.kind !== 'measured') {
    const { files: _, ...goldenFacts } = outcome.golden
    const { files: __, ...dumpFacts } = outcome.dump
    const sides = {
      golden: { files: golden.files, ...copied(goldenFacts) },
      dump: { files: dump.files, ...copied(dumpFacts) },
    }
    return { ...copied(outcome), ...sides, notes }
  }
  const { rows, cut } = outcome
  const goldenSide = sideOf(golden, outcome.golden, rows.golden)
  const dumpSide = sideOf(dump, outcome.dump, rows.dump)
  const metrics: Metrics = {
    cosineSimilarity: rows.metrics.cosineSimilarity,
    klDivergence: rows.metrics.klDivergence,
    maxRelativeError: rows.metrics.maxRelativeError,
    meanRelativeError: rows.metrics.meanRelativeError,
    maxAbsoluteError: rows.metrics.maxAbsoluteError,
    meanAbsoluteError: rows.metrics.meanAbsoluteError,
    relativeEuclideanDistance: rows.metrics.relativeEuclideanDistance,
  }
  const support = isFull(rows.support) ? FULL : { ...rows.support }
  const own: MeasuredRows = { kind: 'measured', metrics, golden: goldenSide, dump: dumpSide, support }
  const settled: PairOutcome = { golden: goldenSide, dump: dumpSide, notes, kind: 'compared', rows: own }
  if (cut) settled.cut = { ...cut }
  return settled
}

const NO_NOTES = Object.freeze([]) as unknown as string[]
const FULL: Support = Object.freeze({ bothSuppressed: 0, goldenOnly: 0, dumpOnly: 0, firstMismatch: -1 })

function isFull({ bothSuppressed, goldenOnly, dumpOnly }: Support): boolean {
  return bothSuppressed + goldenOnly + dumpOnly === 0
}

/** Of a row that was measured everything is known. */
type MeasuredSide = Required<Omit<TokenSide, 'nonFinite'>> & RowStats

function sideOf({ files, layer }: DumpStep, { dtype, fileShape, shape }: TokenSide, stats: RowStats): MeasuredSide {
  return {
    files,
    layer,
    dtype: dtype!,
    fileShape: sharedShape(fileShape!),
    shape: sharedShape(shape!),
    max: stats.max,
    min: stats.min,
    mean: stats.mean,
    top1: stats.top1,
    top1Logit: stats.top1Logit,
    logitAtOtherTop1: stats.logitAtOtherTop1,
  }
}

const shapes = new Map<string, readonly number[]>()

/** One array for each shape; where there are very many, those that come late have their own. */
function sharedShape(shape: readonly number[]): readonly number[] {
  const key = shape.join()
  const known = shapes.get(key)
  if (known) return known
  const own = Object.freeze([...shape])
  if (shapes.size < 1000) shapes.set(key, own)
  return own
}

/** A copy of plain data. */
function copied<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Array.from(value, copied) as T
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) copy[key] = copied((value as Record<string, unknown>)[key])
  return copy as T
}
