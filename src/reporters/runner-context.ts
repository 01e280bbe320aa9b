/**
 * What the runners put into a matcher's `this`, as far as it tells which test made a comparison. Structural: no runner is
 * imported, and whatever is missing is done without.
 */
export interface RunnerContext {
  readonly isNot?: boolean
  readonly soft?: boolean
  readonly poll?: boolean
  readonly testPath?: string
  readonly currentTestName?: string
  /** Assertions of this attempt so far. */
  readonly assertionCalls?: number
  /** Vitest ≥ 4.1. */
  readonly task?: RunnerTask
  /** Jest ≥ 29.6, in concurrent tests. */
  readonly currentConcurrentTestName?: () => string | undefined
  /** Jest ≥ 30.5: the same object over the retries of a test. */
  readonly currentTestIdentity?: () => object | undefined
}

interface RunnerTask {
  readonly id?: string
  readonly fullTestName?: string
  readonly concurrent?: boolean
  readonly result?: { readonly retryCount?: number; readonly repeatCount?: number }
  readonly file?: { readonly filepath?: string; readonly projectName?: string }
  /** `_local`: the test took `expect` from its context, which knows its test for certain. */
  readonly context?: { readonly _local?: boolean }
}

/** Which comparison of which test this is. */
export interface TestIdentity {
  /** Vitest's project; `''` elsewhere. */
  readonly project: string
  readonly file: string
  readonly test: string
  /** False where the runner may have named another test: concurrent tests in Vitest. */
  readonly testIsSure: boolean
  /** Tells tests of the same name apart where the runner can; otherwise `''`. */
  readonly testId: string
  /** From 1; a retried or repeated test counts on. */
  readonly attempt: number
  /** Position of this comparison among those of the test's attempt, from 1. */
  readonly ordinal: number
}

export function identify(context: RunnerContext, runDir: string): TestIdentity {
  const { task } = context
  const identity = call(context.currentTestIdentity)
  const concurrentName = call(context.currentConcurrentTestName)
  const file = task?.file?.filepath ?? context.testPath ?? ''
  const test = task?.fullTestName ?? concurrentName ?? context.currentTestName ?? ''
  const attempt = attemptOf(task, identity)
  return {
    project: task?.file?.projectName ?? '',
    file,
    test,
    testIsSure: test !== '' && !task?.concurrent,
    testId: task?.id ?? '',
    attempt,
    ordinal: nextOrdinal(task ?? identity ?? `${runDir}\n${file}\n${test}`, attempt),
  }
}

function attemptOf(task: RunnerTask | undefined, identity: object | undefined): number {
  if (task) return (task.result?.retryCount ?? 0) + (task.result?.repeatCount ?? 0) + 1
  const invocations = (identity as { invocations?: unknown } | undefined)?.invocations
  return typeof invocations === 'number' ? invocations : 1
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
