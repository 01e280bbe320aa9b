import type { SpooledComparison } from './spool-reader.js'

/**
 * One set of comparisons per test: those of its last attempt. A retried test, and one that a runner ran again after its
 * worker died, are counted once. Sorted by project, file, test and ordinal: the order of workers is not stable.
 */
export function lastAttempts(comparisons: readonly SpooledComparison[]): SpooledComparison[] {
  const tests = new Map<string, Map<string, SpooledComparison[]>>()
  for (const comparison of comparisons) {
    const { project, file, test, testId, attempt } = comparison.started
    const attempts = entry(
      tests,
      [project, file, test, testId].join('\n'),
      () => new Map<string, SpooledComparison[]>(),
    )
    entry(attempts, `${comparison.file}\n${attempt}`, () => [] as SpooledComparison[]).push(comparison)
  }
  const winners = [...tests.values()].flatMap((attempts) => {
    return [...attempts.values()].reduce((a, b) => (startOf(b) >= startOf(a) ? b : a))
  })
  return winners.sort(byTest)
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

function startOf(attempt: readonly SpooledComparison[]): number {
  return Math.max(...attempt.map(({ started }) => started.at))
}

function byTest({ started: a }: SpooledComparison, { started: b }: SpooledComparison): number {
  return (
    compare(a.project, b.project) ||
    compare(a.file, b.file) ||
    compare(a.test, b.test) ||
    compare(a.testId, b.testId) ||
    a.ordinal - b.ordinal
  )
}

/** By code unit: the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
