import { GoldenLogitsError } from '../errors.js'

/** Whether the runner lets goldens be written: none (CI), only new ones, or all (`-u`). */
export type UpdateMode = 'none' | 'new' | 'all'

/** Snapshots that the runner's summary counts. */
export type SnapshotCount = 'added' | 'matched' | 'unmatched' | 'updated'

/** The part of the runners' snapshot state that is used, in all of them alike. */
export interface SnapshotState {
  readonly _updateSnapshot?: unknown
  readonly snapshotUpdateState?: unknown
}

/** @throws GoldenLogitsError `invalid-argument` where there is no runner with snapshots */
export function updateMode(state: SnapshotState | undefined): UpdateMode {
  const mode = state?.snapshotUpdateState ?? state?._updateSnapshot
  if (mode === 'none' || mode === 'new' || mode === 'all') return mode
  const message = 'toMatchLogitsSnapshot works within a test of Vitest or Jest only: there is no snapshot state'
  throw new GoldenLogitsError('invalid-argument', message)
}

/** Counts a golden in the runner's summary. Jest holds numbers, Vitest counters by test that a retry takes back. */
export function countSnapshot(state: object, kind: SnapshotCount, testId: string): void {
  const counts = state as Record<SnapshotCount, unknown>
  const counter = counts[kind]
  if (typeof counter === 'number') counts[kind] = counter + 1
  else if (isCounter(counter)) counter.increment(testId)
}

function isCounter(value: unknown): value is { increment: (testId: string) => void } {
  return typeof (value as { increment?: unknown } | null | undefined)?.increment === 'function'
}
