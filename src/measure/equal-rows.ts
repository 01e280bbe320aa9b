import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { areSameBytes } from '../lib/platform.js'
import type { MetricKey } from '../metrics/table.js'
import type { Results } from './results.js'
import { type RowSource, readPart } from './row-source.js'

/** Whether the two rows of a pair have the same dtype and numbers; undefined if the pair was not measured. */
export function areEqualRows(results: Results, index: number): boolean | undefined {
  const shape = results.plainShape(index)
  if (shape) return shape.golden.dtype === shape.dump.dtype && haveNoDistance((key) => results.metric(index, key))
  const outcome = results.at(index)?.outcome
  if (outcome?.kind !== 'compared' || outcome.rows.kind !== 'measured') return undefined
  const { golden, dump, rows } = outcome
  if (golden.dtype !== dump.dtype || rows.support.goldenOnly + rows.support.dumpOnly > 0) return false
  return haveNoDistance((key) => rows.metrics[key])
}

/** For rows with the same ids suppressed. */
function haveNoDistance(metric: (key: MetricKey) => number): boolean {
  return metric('klDivergence') === 0 && metric('relativeEuclideanDistance') === 0 && metric('cosineSimilarity') === 1
}

/**
 * The pairs whose row on one side is bit for bit that of the pair before. Candidates have the same maximum, minimum, mean and
 * top-1; only their rows are read again.
 */
export function* repeatedRows(results: Results, side: 'golden' | 'dump', rows: RowSource): Iterable<number> {
  let before: ReturnType<Results['stats']>
  for (let i = 0; i < results.length; i++) {
    const stats = results.stats(i, side)
    if (isSame(stats, before) && haveSameBytes(results.at(i - 1)?.[side], results.at(i)?.[side], rows)) yield i
    before = stats
  }
  rows.releaseFiles?.()
}

type Stats = ReturnType<Results['stats']>

function isSame(a: Stats, b: Stats): boolean {
  // Equal logits say nothing anyway.
  if (!a || !b || a.max === a.min) return false
  return a.max === b.max && a.min === b.min && a.mean === b.mean && a.top1 === b.top1
}

function haveSameBytes(a: DumpStep | undefined, b: DumpStep | undefined, rows: RowSource): boolean {
  const first = a && bytesOf(a, rows)
  const second = b && bytesOf(b, rows)
  return first !== undefined && second !== undefined && areEqual(first, second)
}

function areEqual(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((part, i) => areSameBytes(part, b[i]!))
}

/** The bytes of a step's row, of each rank. */
function bytesOf(step: DumpStep, rows: RowSource): Uint8Array[] | undefined {
  const prepared = rows.prepare(step, true)
  if (prepared.kind !== 'row') return undefined
  try {
    return prepared.parts.map((part) => readPart(part)!)
  } catch (error) {
    if (error instanceof GoldenLogitsError) return undefined
    throw error
  } finally {
    prepared.close()
  }
}
