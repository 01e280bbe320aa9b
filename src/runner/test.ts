import { AsyncLocalStorage } from 'node:async_hooks'
import { relative, sep } from 'node:path'
import { printable } from '../errors.js'
import { jestProject } from './jest-project.js'

/**
 * The part of a matcher's `this` that identifies the test which made a comparison. It is structural, because no runner is
 * imported, and every member is optional, because runners and versions differ. `undefined` is spelled out for users who
 * compile with `exactOptionalPropertyTypes`.
 */
export interface RunnerContext {
  readonly isNot?: boolean | undefined
  readonly soft?: boolean | undefined
  readonly poll?: boolean | undefined
  readonly testPath?: string | undefined
  readonly currentTestName?: string | undefined
  /** Increases within one attempt of a test. */
  readonly assertionCalls?: number | undefined
  /** Vitest ≥ 4.1. */
  readonly task?: RunnerTask | undefined
  /** Jest ≥ 29.6. */
  readonly currentConcurrentTestName?: (() => string | undefined) | undefined
  /** Jest ≥ 30.5: the same object over the retries of a test. */
  readonly currentTestIdentity?: (() => object | undefined) | undefined
}

/** Vitest's object of a test. */
export interface RunnerTask extends NamedTask {
  readonly id?: string | undefined
  readonly fullTestName?: string | undefined
  readonly concurrent?: boolean | undefined
  /** How often the test is retried, or an object that says so. */
  readonly retry?: unknown
  /** Milliseconds that the test may take. */
  readonly timeout?: number | undefined
  readonly result?:
    | {
        readonly retryCount?: number | undefined
        readonly repeatCount?: number | undefined
        /** Of the attempt, in milliseconds since 1970. */
        readonly startTime?: number | undefined
      }
    | undefined
  readonly file?: { readonly filepath?: string | undefined; readonly projectName?: string | undefined } | undefined
  /** Has `_local` if the test took `expect` from its context; such an `expect` always belongs to one test. */
  readonly context?: (object & { readonly annotate?: Annotate | undefined }) | undefined
}

/** Vitest adds a line to the test. The runner awaits the promise before the test ends. */
type Annotate = (message: string, type: string) => PromiseLike<unknown>

interface NamedTask {
  readonly name?: string | undefined
  /** The `describe` block around it. */
  readonly suite?: NamedTask | undefined
}

/** Which comparison of which test this is. */
export interface TestIdentity {
  /** The name of the runner's project; `''` if there is only one. */
  readonly project: string
  /** Distinguishes projects, which may share their name. Absent if the project is not known. */
  readonly projectId?: string
  /** Relative to the runner's root, with forward slashes: the same on every machine. */
  readonly file: string
  /** The `describe` names and the test's name, joined by spaces, as the option `-t` of both runners expects. */
  readonly test: string
  /** False if the runner may have named another test. */
  readonly testIsSure: boolean
  /** Distinguishes tests of the same name if the runner can; otherwise `''`. */
  readonly testId: string
  /** From 1: Vitest repeats a test with the option `repeats`, and every repetition counts. */
  readonly repetition: number
  /** From 1; each retry or repetition of a test is one more. */
  readonly attempt: number
  /** Position of this comparison among the comparisons of the test's attempt, from 1. */
  readonly ordinal: number
}

/** What the runner says about the test that called a matcher. */
interface TestFacts {
  /** Vitest's object of the test. */
  readonly task: RunnerTask | undefined
  /** Jest's object of the test. */
  readonly identity: object | undefined
  /** The absolute path of the test file; `''` outside of a test. */
  readonly path: string
  readonly test: string
  readonly isSure: boolean
  readonly attempt: number
}

/** Of one comparison. The CSV has all warnings. */
const MOST_ANNOTATIONS = 10

const running = new AsyncLocalStorage<RunnerTask>()

/** Runs a test so that every matcher it calls can identify it, although concurrent tests share one global `expect`. */
export function withinTest<T>(task: RunnerTask, run: () => T): T {
  return running.run(task, run)
}

/** @param scope separates callers: each may ask once for each call of a matcher */
export function testFacts(context: RunnerContext, scope: string): TestFacts {
  const current = running.getStore()
  const task = current ?? context.task
  const identity = call(context.currentTestIdentity) ?? (task ? undefined : circusTest(context))
  const path = task?.file?.filepath ?? context.testPath ?? ''
  const test = nameOf(task) || (call(context.currentConcurrentTestName) ?? context.currentTestName ?? '')
  const attempt = attemptOf(context, task, identity, `${scope}\n${path}\n${test}`)
  return {
    task,
    identity,
    path,
    test,
    isSure: test !== '' && (current !== undefined || isSure(context, task)),
    attempt,
  }
}

/** Adds warnings to the running test, if the runner has annotations (Vitest) and the test is known for certain. */
export function annotate(context: RunnerContext, warnings: readonly string[]): void {
  const current = running.getStore()
  const task = current ?? context.task
  if (!task || (current === undefined && !isSure(context, task))) return
  const limit = Error.stackTraceLimit
  // Vitest looks for the line of the test in the stack.
  Error.stackTraceLimit = Math.max(limit, 50)
  try {
    for (const warning of warnings.slice(0, MOST_ANNOTATIONS)) {
      // Vitest awaits the promise, too: here a rejection must only not end the process.
      task.context?.annotate?.(printable(warning, 400), 'warning').then(undefined, () => undefined)
    }
  } catch {
    // The test has ended already.
  } finally {
    Error.stackTraceLimit = limit
  }
}

/**
 * @param runDir the folder of the run, which separates the counts of the runs in watch mode
 * @param root the runner's root, which `file` is relative to
 */
export function identify(context: RunnerContext, runDir: string, root: string): TestIdentity {
  const { task, identity, path, test, isSure, attempt } = testFacts(context, runDir)
  const key = `${runDir}\n${path}\n${test}`
  return {
    ...projectOf(task),
    file: path === '' ? '' : relative(root, path).split(sep).join('/'),
    test,
    testIsSure: isSure,
    testId: task?.id ?? (identity ? counts.sameNameId(identity, key) : ''),
    repetition: (task?.result?.repeatCount ?? 0) + 1,
    attempt,
    ordinal: counts.nextOrdinal(task ?? identity ?? key, attempt),
  }
}

/** What Vitest keeps in each of its workers. */
interface VitestState {
  readonly filepath?: string
  readonly config?: { readonly name?: string }
  readonly current?: RunnerTask & { readonly type?: string }
}

function vitestState(): VitestState | undefined {
  return (globalThis as { __vitest_worker__?: VitestState }).__vitest_worker__
}

/**
 * The test that is running, for functions that are not called by `expect`. Concurrent tests may be mistaken for each other,
 * unless `golden-logits/vitest` is imported.
 */
export function currentContext(): RunnerContext {
  const vitest = vitestState()
  if (vitest) {
    const task = running.getStore() ?? (vitest.current?.type === 'test' ? vitest.current : undefined)
    return task ? { task } : { testPath: vitest.filepath }
  }
  const { expect } = globalThis as { expect?: { getState?: () => RunnerContext } }
  return call((jestExpect ?? expect)?.getState) ?? {}
}

/** Jest's `expect`, which is not a global variable if `injectGlobals` is false. */
let jestExpect: { getState?: () => RunnerContext } | undefined

export function rememberExpect(expect: object): void {
  jestExpect = expect
}

function projectOf(task: RunnerTask | undefined): Pick<TestIdentity, 'project' | 'projectId'> {
  const vitest = task?.file?.projectName ?? vitestState()?.config?.name
  if (vitest !== undefined || vitestState()) return { project: vitest ?? '', projectId: vitest ?? '' }
  const project = jestProject()
  return { project: project?.name ?? '', ...(project && { projectId: project.id }) }
}

/** Jest's object of the running test, for versions before `currentTestIdentity`. Of concurrent tests it may be any. */
function circusTest({ currentTestName }: RunnerContext): object | undefined {
  const symbol = Object.getOwnPropertySymbols(globalThis).find(({ description }) => description === 'JEST_STATE_SYMBOL')
  if (symbol === undefined || currentTestName === undefined) return undefined
  const state = (globalThis as { [symbol: symbol]: { currentlyRunningTest?: { concurrent?: boolean } | null } })[symbol]
  const test = state?.currentlyRunningTest
  return test && !test.concurrent ? test : undefined
}

/** Vitest's global `expect` may name any of the tests that run at the same time; `expect` of a context, and Jest's, are exact. */
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
  return typeof invocations === 'number' ? invocations : counts.attempt(key, context.assertionCalls)
}

/** What this worker counts because its runner does not. */
class TestCounts {
  private readonly attempts = new Map<string, { attempt: number; calls: number }>()
  private readonly identities = new Map<string, object[]>()
  private readonly ordinals = new WeakMap<object, { attempt: number; count: number }>()
  /** Stands for a test in `ordinals` if the runner has no object of the test. */
  private readonly named = new Map<string, object>()

  /** Jest < 30.5 does not say which attempt runs, but each attempt counts its assertions from the start again. */
  attempt(key: string, calls: number | undefined): number {
    if (calls === undefined) return 1
    const last = this.attempts.get(key)
    const attempt = last ? last.attempt + (calls <= last.calls ? 1 : 0) : 1
    this.attempts.set(key, { attempt, calls })
    return attempt
  }

  /** Tests of one file may share their name. Jest's are numbered in the order in which they first appear. */
  sameNameId(identity: object, key: string): string {
    const identities = this.identities.get(key) ?? []
    this.identities.set(key, identities)
    if (!identities.includes(identity)) identities.push(identity)
    return String(identities.indexOf(identity) + 1)
  }

  /** Numbers the comparisons of one attempt. A retry starts at 1 again, so that its rows replace the rows of the failed attempt. */
  nextOrdinal(test: object | string, attempt: number): number {
    const owner = typeof test === 'string' ? this.ownerOf(test) : test
    let ordinal = this.ordinals.get(owner)
    if (ordinal?.attempt !== attempt) {
      ordinal = { attempt, count: 0 }
      this.ordinals.set(owner, ordinal)
    }
    return ++ordinal.count
  }

  private ownerOf(name: string): object {
    const owner = this.named.get(name) ?? {}
    this.named.set(name, owner)
    return owner
  }
}

const counts = new TestCounts()

function call<T>(method: (() => T | undefined) | undefined): T | undefined {
  return typeof method === 'function' ? method() : undefined
}
