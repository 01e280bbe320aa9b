import { compareNames } from '../io/name-order.js'
import { byCodeUnit, byPlace } from '../report/rows.js'
import type { SpooledComparison } from './spool-reader.js'

/** A comparison of the attempt that counts. */
export interface Counted {
  readonly comparison: SpooledComparison
  /** The attempt, from 1: retries, repetitions, and each time that the runner ran the file again. */
  readonly attempt: number
}

/**
 * The comparisons of each test's last attempt, so that a test counts once if it was retried, or if its worker died and the
 * runner ran it again. Each repetition of a test counts. If it is not sure which test or which project it was, no comparison is
 * taken for an earlier attempt. Sorted by project, file, test and ordinal, because the order of workers differs from run to run.
 * @param projectsAreSure the run has one project, or every comparison names its own
 */
export function lastAttempts(comparisons: readonly SpooledComparison[], projectsAreSure: boolean): Counted[] {
  const tests = new Map<string, Map<string, SpooledComparison[]>>()
  for (const comparison of comparisons) {
    const { project, projectId, file, test, testId, testIsSure, attempt, repetition, id } = comparison.started
    // Each worker runs a file for one project at a time.
    const projectKey = projectId ?? (projectsAreSure ? '' : comparison.file)
    const key = [project, projectKey, file, test, testId, repetition, testIsSure ? '' : id].join('\n')
    const attempts = entry(tests, key, () => new Map<string, SpooledComparison[]>())
    entry(attempts, `${comparison.file}\n${attempt}`, () => [] as SpooledComparison[]).push(comparison)
  }
  return [...tests.values()].flatMap(lastOf).sort(byTest)
}

function lastOf(attempts: ReadonlyMap<string, readonly SpooledComparison[]>): Counted[] {
  const last = [...attempts.values()].reduce((a, b) => (startOf(b) >= startOf(a) ? b : a))
  // If the runner runs a file again, it counts attempts from 1 again.
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

function byTest({ comparison: { started: a } }: Counted, { comparison: { started: b } }: Counted): number {
  return (
    byPlace(a, b) ||
    byCodeUnit(a.projectId ?? '', b.projectId ?? '') ||
    byCodeUnit(a.test, b.test) ||
    compareNames(a.testId, b.testId) ||
    a.repetition - b.repetition ||
    a.ordinal - b.ordinal
  )
}
