import { compareNames } from '../io/name-order.js'
import { byCodeUnit, byPlace } from '../report/row-order.js'
import type { SpooledComparison } from './spool-reader.js'

/** A comparison of the attempt that counts. */
export interface Winner {
  readonly comparison: SpooledComparison
  /** The attempt it was made in, from 1: retries, repeats, and the times that a runner ran the file again. */
  readonly attempt: number
}

/**
 * One set of comparisons per test: those of its last attempt. A retried test, and one that a runner ran again after its
 * worker died, are counted once; where the test is not sure, nothing is taken for an earlier attempt. Sorted by project,
 * file, test and ordinal: the order of workers is not stable.
 */
export function lastAttempts(comparisons: readonly SpooledComparison[]): Winner[] {
  const tests = new Map<string, Map<string, SpooledComparison[]>>()
  for (const comparison of comparisons) {
    const { project, file, test, testId, testIsSure, attempt, id } = comparison.started
    const key = [project, file, test, testId, testIsSure ? '' : id].join('\n')
    const attempts = entry(tests, key, () => new Map<string, SpooledComparison[]>())
    entry(attempts, `${comparison.file}\n${attempt}`, () => [] as SpooledComparison[]).push(comparison)
  }
  return [...tests.values()].flatMap(lastOf).sort(byTest)
}

function lastOf(attempts: ReadonlyMap<string, readonly SpooledComparison[]>): Winner[] {
  const last = [...attempts.values()].reduce((a, b) => (startOf(b) >= startOf(a) ? b : a))
  // A file that is run again counts its attempts from 1 again.
  return last.map((comparison) => ({ comparison, attempt: Math.max(attempts.size, comparison.started.attempt) }))
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

function startOf(attempt: readonly SpooledComparison[]): number {
  return attempt.reduce((latest, { started }) => Math.max(latest, started.at), 0)
}

function byTest({ comparison: { started: a } }: Winner, { comparison: { started: b } }: Winner): number {
  return byPlace(a, b) || byCodeUnit(a.test, b.test) || compareNames(a.testId, b.testId) || a.ordinal - b.ordinal
}
