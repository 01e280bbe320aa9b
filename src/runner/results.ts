import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { groupBy } from '../lib/group-by.js'

/** The part of Vitest's report of a test file that is used here; structural, because no runner is imported. */
interface VitestModule {
  readonly moduleId: string
  state(): string
  errors(): readonly unknown[]
  readonly children: { allTests(): Iterable<VitestTest> }
}

interface VitestTest {
  readonly id?: string
  readonly options: { readonly mode?: string }
  result(): { state: string; errors?: readonly { readonly message?: string; readonly stack?: string }[] | undefined }
}

/** The same for Jest. */
export interface JestResults {
  readonly wasInterrupted?: boolean
  readonly testResults: readonly {
    readonly testFilePath: string
    readonly skipped?: boolean
    readonly testExecError?: unknown
    readonly testResults: readonly {
      readonly fullName?: string
      readonly status: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

/** What the runner says about the tests of a run. */
export interface RunResults {
  /**
   * The test files that ran to their end with no test failed, skipped or filtered out. Only such a file proves that it does
   * not need a snapshot it did not use. `todo` tests have no body to run.
   */
  readonly completedFiles: readonly string[]
  /** Whether a test passed, by Vitest's id, or else by its file (an absolute path) and its full name. */
  readonly hasPassed: (id: string, file: string, name: string) => boolean
  /** Why a test failed, found as `hasPassed` finds it. */
  readonly failuresOf: (id: string, file: string, name: string) => readonly TestFailure[]
}

/** An error of a test, and the first place in the test file that its stack names. */
export interface TestFailure {
  readonly message: string
  readonly line?: number
  readonly column?: number
}

/** Nothing is known: the run was interrupted. */
export const NO_RESULTS: RunResults = { completedFiles: [], hasPassed: () => false, failuresOf: () => [] }

export function vitestResults(modules: readonly unknown[], wasInterrupted: boolean): RunResults {
  const files = (modules as readonly VitestModule[]).map((module) => ({
    module,
    tests: [...module.children.allTests()],
  }))
  const completed = files.map(({ module, tests }) => {
    const ran = tests.every((test) => test.options.mode === 'todo' || test.result().state === 'passed')
    return { file: module.moduleId, isComplete: ran && module.state() === 'passed' && module.errors().length === 0 }
  })
  const all = files.flatMap(({ module, tests }) => tests.map((test) => ({ file: module.moduleId, test })))
  const byId = new Map(all.map((one) => [one.test.id, one]))
  return {
    completedFiles: wasInterrupted ? [] : completedIn(completed),
    hasPassed: (id) => byId.get(id)?.test.result().state === 'passed',
    failuresOf(id) {
      const { file = '', test } = byId.get(id) ?? {}
      return (test?.result().errors ?? []).map(({ message = '', stack = '' }) => failureOf(message, stack, file))
    },
  }
}

export function jestResults(results: JestResults | undefined): RunResults {
  if (!results) return NO_RESULTS
  const completed = results.testResults.map(({ testFilePath, skipped, testExecError, testResults }) => {
    const ran = testResults.every(({ status }) => status === 'passed' || status === 'todo')
    return { file: testFilePath, isComplete: ran && testResults.length > 0 && !skipped && !testExecError }
  })
  const tests = results.testResults.flatMap(({ testFilePath: file, testResults }) =>
    testResults.map(({ fullName, status, failureMessages = [] }) => ({
      key: `${file}\n${fullName}`,
      status,
      failureMessages,
    })),
  )
  // Several tests may share a name, in one project or in several.
  const byName = groupBy(tests, ({ key }) => key)
  return {
    completedFiles: results.wasInterrupted ? [] : completedIn(completed),
    hasPassed: (_, file, name) => byName.get(`${file}\n${name}`)?.every(({ status }) => status === 'passed') ?? false,
    failuresOf: (_, file, name) =>
      (byName.get(`${file}\n${name}`) ?? [])
        .flatMap(({ failureMessages }) => failureMessages)
        .map((text) => failureOf(text.split(FIRST_FRAME)[0]!.replace(/^Error: /, ''), text, file)),
  }
}

/** The stack begins here in a text that has the message before it. */
const FIRST_FRAME = /\n\s+at (?=.*:\d+:\d+\)?$)/m

function failureOf(message: string, stack: string, file: string): TestFailure {
  const url = pathToFileURL(file).href
  for (const [, path, line, column] of stack.matchAll(/^\s+at (?:.*\()?(.+):(\d+):(\d+)\)?$/gm)) {
    // On Windows one may have slashes, the other backslashes.
    if (path === url || resolve(path!) === resolve(file)) return { message, line: Number(line), column: Number(column) }
  }
  return { message }
}

/** A file that several projects run must be complete in each of them. */
function completedIn(runs: readonly { file: string; isComplete: boolean }[]): string[] {
  const incomplete = new Set(runs.filter(({ isComplete }) => !isComplete).map(({ file }) => file))
  return [...new Set(runs.map(({ file }) => file))].filter((file) => !incomplete.has(file))
}
