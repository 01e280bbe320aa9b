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
  result(): { state: string }
}

/** The same for Jest. */
export interface JestResults {
  readonly wasInterrupted?: boolean
  readonly testResults: readonly {
    readonly testFilePath: string
    readonly skipped?: boolean
    readonly testExecError?: unknown
    readonly testResults: readonly { readonly fullName?: string; readonly status: string }[]
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
}

/** Nothing is known: the run was interrupted. */
export const NO_RESULTS: RunResults = { completedFiles: [], hasPassed: () => false }

export function vitestResults(modules: readonly unknown[], wasInterrupted: boolean): RunResults {
  const files = (modules as readonly VitestModule[]).map((module) => ({
    module,
    tests: [...module.children.allTests()],
  }))
  const completed = files.map(({ module, tests }) => {
    const ran = tests.every((test) => test.options.mode === 'todo' || test.result().state === 'passed')
    return { file: module.moduleId, isComplete: ran && module.state() === 'passed' && module.errors().length === 0 }
  })
  const passed = files.flatMap(({ tests }) => tests.filter((test) => test.result().state === 'passed'))
  const ids = new Set(passed.map(({ id }) => id))
  return { completedFiles: wasInterrupted ? [] : completedIn(completed), hasPassed: (id) => ids.has(id) }
}

export function jestResults(results: JestResults | undefined): RunResults {
  if (!results) return NO_RESULTS
  const completed = results.testResults.map(({ testFilePath, skipped, testExecError, testResults }) => {
    const ran = testResults.every(({ status }) => status === 'passed' || status === 'todo')
    return { file: testFilePath, isComplete: ran && testResults.length > 0 && !skipped && !testExecError }
  })
  const names = { passed: new Set<string>(), others: new Set<string>() }
  for (const { testFilePath, testResults } of results.testResults) {
    for (const { fullName, status } of testResults) {
      names[status === 'passed' ? 'passed' : 'others'].add(`${testFilePath}\n${fullName}`)
    }
  }
  return {
    completedFiles: results.wasInterrupted ? [] : completedIn(completed),
    // Several tests may share a name, in one project or in several.
    hasPassed: (_, file, name) => names.passed.has(`${file}\n${name}`) && !names.others.has(`${file}\n${name}`),
  }
}

/** A file that several projects run must be complete in each of them. */
function completedIn(runs: readonly { file: string; isComplete: boolean }[]): string[] {
  const incomplete = new Set(runs.filter(({ isComplete }) => !isComplete).map(({ file }) => file))
  return [...new Set(runs.map(({ file }) => file))].filter((file) => !incomplete.has(file))
}
