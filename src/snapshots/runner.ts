import { GoldenLogitsError } from '../errors.js'

/** Whether the runner lets goldens be written: none (CI), only new ones, or all (`-u`). */
export type UpdateMode = 'none' | 'new' | 'all'

/** Snapshots that the runner's summary counts. */
export type SnapshotCount = 'added' | 'matched' | 'unmatched' | 'updated'

/** The runners' snapshot state. Structural, as Vitest declares private what all of them have. */
export type SnapshotState = object

/** @throws GoldenLogitsError `invalid-argument` where there is no runner with snapshots */
export function updateMode(state: SnapshotState | undefined): UpdateMode {
  const known = state as { snapshotUpdateState?: unknown; _updateSnapshot?: unknown } | undefined
  const mode = known?.snapshotUpdateState ?? known?._updateSnapshot
  if (mode === 'none' || mode === 'new' || mode === 'all') return mode
  const message = 'toMatchLogitsSnapshot works within a test of Vitest or Jest only: there is no snapshot state'
  throw new GoldenLogitsError('invalid-argument', message)
}

/** The test that a snapshot is counted for. */
export interface SnapshotOwner {
  /** Vitest counts by it. */
  readonly id: string
  /** Jest's object of the test, where it shows one. */
  readonly owner?: object | undefined
}

/** Counts a golden in the runner's summary, so that a retry takes back what the attempt before it has counted. */
export function countSnapshot(state: object, kind: SnapshotCount, { id, owner }: SnapshotOwner): void {
  const counts = state as Record<SnapshotCount, unknown> & { _incrementSnapshotCount?: unknown }
  const counter = counts[kind]
  if (isCounter(counter)) counter.increment(id)
  // Jest ≥ 30.5 keeps a record by test; before, it takes back nothing less than all counts.
  else if (typeof counts._incrementSnapshotCount === 'function') counts._incrementSnapshotCount(kind, owner)
  else if (typeof counter === 'number') counts[kind] = counter + 1
}

function isCounter(value: unknown): value is { increment: (testId: string) => void } {
  return typeof (value as { increment?: unknown } | null | undefined)?.increment === 'function'
}
