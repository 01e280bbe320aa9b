import { relative, sep } from 'node:path'
import { currentTest } from './current-test.js'
import { rootOf } from './run-dirs.js'

/**
 * What the runners put into a matcher's `this`, as far as it tells which test made a comparison. Structural: no runner is
 * imported, and whatever is missing is done without. `undefined` is said throughout, for users who compile with
 * `exactOptionalPropertyTypes`.
 */
export interface RunnerContext {
  readonly isNot?: boolean | undefined
  readonly soft?: boolean | undefined
  readonly poll?: boolean | undefined
  readonly testPath?: string | undefined
  readonly currentTestName?: string | undefined
  /** Counts on within one attempt of a test. */
  readonly assertionCalls?: number | undefined
  /** Vitest ≥ 4.1. */
  readonly task?: RunnerTask | undefined
  /** Jest ≥ 29.6. */
  readonly currentConcurrentTestName?: (() => string | undefined) | undefined
  /** Jest ≥ 30.5: the same object over the retries of a test. */
  readonly currentTestIdentity?: (() => object | undefined) | undefined
}

/** A test, as Vitest knows it. */
export interface RunnerTask extends NamedTask {
  readonly id?: string | undefined
  readonly fullTestName?: string | undefined
  readonly concurrent?: boolean | undefined
  readonly result?: { readonly retryCount?: number | undefined; readonly repeatCount?: number | undefined } | undefined
  readonly file?: { readonly filepath?: string | undefined; readonly projectName?: string | undefined } | undefined
  /** With `_local`: the test took `expect` from its context, which knows its test for certain. */
  readonly context?: object | undefined
}

interface NamedTask {
  readonly name?: string | undefined
  /** The `describe` around it. */
  readonly suite?: NamedTask | undefined
}

/** Which comparison of which test this is. */
export interface TestIdentity {
  /** Vitest's project; `''` elsewhere. */
  readonly project: string
  /** From the runner's root on, with forward slashes: the same on every machine. */
  readonly file: string
  /** Its `describe` names and its own, with spaces between: what `-t` takes in both runners. */
  readonly test: string
  /** False where the runner may have named another test. */
  readonly testIsSure: boolean
  /** Tells tests of the same name apart where the runner can; otherwise `''`. */
  readonly testId: string
  /** From 1; a retried or repeated test counts on. */
  readonly attempt: number
  /** Position of this comparison among those of the test's attempt, from 1. */
  readonly ordinal: number
}

/** What the runner tells of the test that a matcher was called in. */
export interface TestFacts {
  /** Vitest's. */
  readonly task: RunnerTask | undefined
  /** Jest's. */
  readonly identity: object | undefined
  /** The test file's whole path; `''` outside of a test. */
  readonly path: string
  readonly test: string
  readonly isSure: boolean
  readonly attempt: number
}

/** @param scope tells callers apart: each may ask once for each call of a matcher */
export function testFacts(context: RunnerContext, scope: string): TestFacts {
  const known = currentTest()
  const task = known ?? context.task
  const identity = call(context.currentTestIdentity)
  const path = task?.file?.filepath ?? context.testPath ?? ''
  const test = nameOf(task) || (call(context.currentConcurrentTestName) ?? context.currentTestName ?? '')
  const attempt = attemptOf(context, task, identity, `${scope}\n${path}\n${test}`)
  return { task, identity, path, test, isSure: test !== '' && (known !== undefined || isSure(context, task)), attempt }
}

export function identify(context: RunnerContext, runDir: string): TestIdentity {
  const { task, identity, path, test, isSure, attempt } = testFacts(context, runDir)
  const key = `${runDir}\n${path}\n${test}`
  return {
    project: task?.file?.projectName ?? '',
    file: path === '' ? '' : relative(rootOf(runDir), path).split(sep).join('/'),
    test,
    testIsSure: isSure,
    testId: task?.id ?? (identity ? sameNameId(identity, key) : ''),
    attempt,
    ordinal: nextOrdinal(task ?? identity ?? key, attempt),
  }
}

/** Vitest's global `expect` names any of the tests that run at the same time, or none; that of a context, and Jest, know. */
function isSure({ currentConcurrentTestName }: RunnerContext, task: RunnerTask | undefined): boolean {
  if (task) return !task.concurrent || (task.context as { _local?: unknown } | undefined)?._local === true
  return typeof currentConcurrentTestName === 'function'
}

function nameOf(task: RunnerTask | undefined): string {
  if (task?.name === undefined) return task?.fullTestName ?? ''
  const names: string[] = []
  for (let part: NamedTask | undefined = task; part?.name !== undefined; part = part.suite) names.unshift(part.name)
  return names.join(' ')
}

function attemptOf(context: RunnerContext, task: RunnerTask | undefined, identity: object | undefined, key: string) {
  if (task) return (task.result?.retryCount ?? 0) + (task.result?.repeatCount ?? 0) + 1
  const invocations = (identity as { invocations?: unknown } | undefined)?.invocations
  return typeof invocations === 'number' ? invocations : countedAttempt(key, context.assertionCalls)
}

interface Attempt {
  attempt: number
  calls: number
}

const attempts = new Map<string, Attempt>()

/** Jest < 30.5 tells no attempt. But a new one begins to count its assertions again. */
function countedAttempt(key: string, calls: number | undefined): number {
  if (calls === undefined) return 1
  const last = attempts.get(key)
  const attempt = last ? last.attempt + (calls <= last.calls ? 1 : 0) : 1
  attempts.set(key, { attempt, calls })
  return attempt
}

const identities = new Map<string, object[]>()

/** Tests of one file may share their name. In Jest they are told apart by which came first. */
function sameNameId(identity: object, key: string): string {
  const known = identities.get(key) ?? []
  identities.set(key, known)
  if (!known.includes(identity)) known.push(identity)
  return String(known.indexOf(identity) + 1)
}

interface Counter {
  attempt: number
  count: number
}

const byObject = new WeakMap<object, Counter>()
const byName = new Map<string, Counter>()

/** Counts the comparisons of one attempt: a retry starts again at 1, so that its rows replace those of the failed try. */
function nextOrdinal(test: object | string, attempt: number): number {
  let counter = typeof test === 'string' ? byName.get(test) : byObject.get(test)
  if (counter?.attempt !== attempt) {
    counter = { attempt, count: 0 }
    if (typeof test === 'string') byName.set(test, counter)
    else byObject.set(test, counter)
  }
  return ++counter.count
}

function call<T>(method: (() => T | undefined) | undefined): T | undefined {
  return typeof method === 'function' ? method() : undefined
}
