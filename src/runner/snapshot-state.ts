import { invalidArgument } from '../errors.js'
import { crypto } from '../lib/optional-packages.js'
import { type RunnerContext, testFacts } from './test.js'

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
  const place = 'toMatchLogitsSnapshot works only inside a test of Vitest or Jest'
  throw invalidArgument(`${place}: the runner provided no snapshot state`)
}

/** The test that called a matcher, and its attempt, as far as the runner says. */
interface CurrentTest {
  readonly file: string
  readonly name: string
  /** Vitest counts by this id. */
  readonly id: string
  /** The runner's object of the test, the same in all its retries; absent if the runner provides none. */
  readonly owner?: object | undefined
  /** From 1; each retry or repetition is one more. */
  readonly attempt: number
  /** The runner's object of this run of the test file. */
  readonly run: object | undefined
  readonly project: string
  /** Unique among the tests of a run, and the same in all attempts of the test. */
  readonly claimant: string
  readonly hasRetries: boolean
  /** True if the test was retried since this object was made, not just repeated. */
  readonly isRetry: () => boolean
}

type SnapshotOwner = Pick<CurrentTest, 'id' | 'owner'>

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

interface Numbers {
  attempt: number
  /** The numbers of the test's snapshots. A retry uses the same ones. */
  readonly numbers: number[]
  /** How many of them this attempt has used. */
  used: number
}

/** Numbers snapshots as the runners do: by the test's name, so tests of one name are numbered consecutively. */
export class SnapshotCounter {
  /** By the runner's object of this run of the test file: in watch mode, each run of a file starts at 1. */
  private readonly runs = new WeakMap<object, Map<string, Numbers[]>>()
  /** For runners that provide no such object. */
  private readonly named = new Map<string, Numbers[]>()
  private readonly owners = new WeakMap<object, Numbers>()

  /** @param run the runner's object of this run of the test file */
  next(
    { file, name, owner, attempt }: Pick<CurrentTest, 'file' | 'name' | 'owner' | 'attempt'>,
    run: object | undefined,
  ): number {
    const names = run ? (this.runs.get(run) ?? new Map<string, Numbers[]>()) : this.named
    if (run) this.runs.set(run, names)
    const key = `${file}\n${name}`
    const sameName = names.get(key) ?? []
    names.set(key, sameName)
    let test = owner ? this.owners.get(owner) : sameName.at(-1)
    // Without an object of the test, a later attempt is another test of the same name, unless tests are retried.
    if (!test || (!owner && test.attempt !== attempt && !hasRetries(undefined))) {
      test = { attempt, numbers: [], used: 0 }
      sameName.push(test)
      if (owner) this.owners.set(owner, test)
    }
    if (test.attempt !== attempt) Object.assign(test, { attempt, used: 0 })
    if (test.used === test.numbers.length) {
      test.numbers.push(1 + sameName.reduce((count, { numbers }) => count + numbers.length, 0))
    }
    return test.numbers[test.used++]!
  }
}

/**
 * False if the runner will not retry the test.
 * @param task Vitest's object of the test; undefined in Jest
 */
export function hasRetries(task: { readonly retry?: unknown } | undefined): boolean {
  if (task) return Boolean(task.retry)
  const globals = globalThis as unknown as Record<symbol, unknown>
  // With the setter, Jest ≥ 30.5 can retry a whole `describe` block, which nothing shows in advance.
  return (
    Number(globals[Symbol.for('RETRY_TIMES')]) > 0 || typeof globals[Symbol.for('RETRY_TIMES_SETTER')] === 'function'
  )
}

type Undos = Map<unknown, { undo: () => void; isRetry: () => boolean }[]>

const undos = new WeakMap<object, Undos>()

/**
 * Calls `undo` when the runner withdraws what an attempt of the test has written, which it does before it retries the test.
 * @param isRetry false if the runner only repeats the test, as Vitest's option `repeats` asks
 */
export function onRetry(
  state: SnapshotState,
  { id, owner }: SnapshotOwner,
  undo: () => void,
  isRetry: () => boolean,
): void {
  let byTest = undos.get(state)
  if (!byTest) {
    byTest = new Map()
    undos.set(state, byTest)
    // Vitest and Jest ≥ 30.5 call these to withdraw their own snapshots: by the test's id, by its object.
    for (const method of ['clearTest', 'clear']) callBefore(state, method, byTest)
  }
  for (const key of owner ? [id, owner] : [id]) byTest.set(key, [...(byTest.get(key) ?? []), { undo, isRetry }])
}

function callBefore(state: SnapshotState, method: string, byTest: Undos): void {
  const members = state as Record<string, unknown>
  const original = members[method]
  if (typeof original !== 'function') return
  members[method] = (test: unknown, ...rest: unknown[]) => {
    const actions = byTest.get(test) ?? []
    byTest.delete(test)
    for (const { undo, isRetry } of actions.reverse()) if (isRetry()) undo()
    return original.call(state, test, ...rest)
  }
}

/**
 * @param isNamed the caller named the snapshot, so it does not depend on the test
 * @throws GoldenLogitsError `invalid-argument` outside of a test, and if the runner cannot say which test it is
 */
export function testOf(context: RunnerContext, isNamed: boolean): CurrentTest {
  const { task, identity, path, test, isSure, attempt } = testFacts(context, 'snapshots')
  if (path === '') {
    throw invalidArgument('toMatchLogitsSnapshot works only inside a test: the snapshot is named after the test')
  }
  if (!isSure && !isNamed) {
    const message = `toMatchLogitsSnapshot does not know which test called it: load golden-logits/vitest at the top of the test file or in a setup file, or take expect from the test's context, test('…', ({ expect }) => …), or name the snapshot with the option name`
    throw invalidArgument(message)
  }
  const owner = task ?? identity
  const retries = task?.result?.retryCount
  return {
    file: path,
    name: test,
    id: task?.id ?? test,
    owner,
    attempt,
    run: task?.file,
    project: task?.file?.projectName ?? '',
    claimant: task?.id ?? (owner ? uniqueName(owner) : `${uniqueName(undos)} ${test}`),
    hasRetries: hasRetries(task),
    isRetry: () => task === undefined || task.result?.retryCount !== retries,
  }
}

const names = new WeakMap<object, string>()

/** A name of an object that is unique among all workers of a run. */
function uniqueName(object: object): string {
  const name = names.get(object) ?? crypto().randomBytes(8).toString('hex')
  names.set(object, name)
  return name
}
