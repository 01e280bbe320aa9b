import { GoldenLogitsError } from '../errors.js'

/** Which snapshots the runner allows to be written: none (in CI), only new ones, or all (`-u`). */
export type UpdateMode = 'none' | 'new' | 'all'

/** What the runner's summary counts. */
export type SnapshotCount = 'added' | 'matched' | 'unmatched' | 'updated'

/** The runner's snapshot state. Only an object to the type system, because Vitest declares the members private. */
export type SnapshotState = object

/** @throws GoldenLogitsError `invalid-argument` if no runner with snapshots calls */
export function updateMode(state: SnapshotState | undefined): UpdateMode {
  const members = state as { snapshotUpdateState?: unknown; _updateSnapshot?: unknown } | undefined
  const mode = members?.snapshotUpdateState ?? members?._updateSnapshot
  if (mode === 'none' || mode === 'new' || mode === 'all') return mode
  const message =
    'toMatchLogitsSnapshot works only inside a test of Vitest or Jest: the runner provided no snapshot state'
  throw new GoldenLogitsError('invalid-argument', message)
}

/** The test that a snapshot is counted for. */
export interface SnapshotOwner {
  /** Vitest counts by this id. */
  readonly id: string
  /** Jest's object of the test, if it provides one. */
  readonly owner?: object | undefined
}

/** Counts a snapshot in the runner's summary, so that a retry takes back what the attempt before it has counted. */
export function countSnapshot(state: object, kind: SnapshotCount, { id, owner }: SnapshotOwner): void {
  const counts = state as Record<SnapshotCount, unknown> & { _incrementSnapshotCount?: unknown }
  const counter = counts[kind]
  if (isCounter(counter)) counter.increment(id)
  // Jest ≥ 30.5 keeps a record for each test. Older versions can only take back all counts at once.
  else if (typeof counts._incrementSnapshotCount === 'function') counts._incrementSnapshotCount(kind, owner)
  else if (typeof counter === 'number') counts[kind] = counter + 1
}

function isCounter(value: unknown): value is { increment: (testId: string) => void } {
  return typeof (value as { increment?: unknown } | null | undefined)?.increment === 'function'
}

/** Which test a snapshot belongs to, according to the runner. */
export interface CountedTest {
  readonly file: string
  readonly name: string
  /** The runner's object of the test, the same in all its retries; absent if the runner provides none. */
  readonly owner?: object | undefined
  /** From 1; each retry or repetition is one more. */
  readonly attempt: number
}

interface Entry {
  owner: object | undefined
  attempt: number
  count: number
}

/** Numbers the snapshots of each attempt of a test from 1, so that a retry uses the same ones as the attempt before it. */
export class SnapshotCounter {
  /** By the runner's object of this run of the test file: in watch mode, each run of a file starts at 1. */
  private readonly files = new WeakMap<object, Map<string, Entry>>()
  /** For runners that provide no such object. */
  private readonly named = new Map<string, Entry>()

  /**
   * @param run the runner's object of this run of the test file
   * @returns `'taken'` if another test of the same name in the same file already has snapshots
   */
  next(test: CountedTest, run: object | undefined): number | 'taken' {
    const entries = run ? this.entriesOf(run) : this.named
    const key = `${test.file}\n${test.name}`
    const entry = entries.get(key)
    if (entry && entry.owner !== test.owner) return 'taken'
    if (entry?.attempt === test.attempt) return ++entry.count
    entries.set(key, { owner: test.owner, attempt: test.attempt, count: 1 })
    return 1
  }

  private entriesOf(run: object): Map<string, Entry> {
    const entries = this.files.get(run) ?? new Map<string, Entry>()
    this.files.set(run, entries)
    return entries
  }
}
