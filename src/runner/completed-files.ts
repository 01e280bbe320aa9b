/** The part of Vitest's report of a test file that is used here; structural, because no runner is imported. */
interface VitestModule {
  readonly moduleId: string
  state(): string
  errors(): readonly unknown[]
  readonly children: {
    allTests(): Iterable<{ result(): { state: string }; readonly options: { readonly mode?: string } }>
  }
}

/** The same for Jest. */
interface JestResults {
  readonly wasInterrupted?: boolean
  readonly testResults: readonly {
    readonly testFilePath: string
    readonly skipped?: boolean
    readonly testExecError?: unknown
    readonly testResults: readonly { readonly status: string }[]
  }[]
}

/**
 * The test files that ran to their end with no test failed, skipped or filtered out. Only such a file proves that it does
 * not need a snapshot it did not use. `todo` tests have no body to run.
 */
export function completedVitestFiles(modules: readonly unknown[]): string[] {
  return completedIn(
    (modules as readonly VitestModule[]).map((module) => {
      const tests = [...module.children.allTests()]
      const ran = tests.every((test) => test.options.mode === 'todo' || test.result().state === 'passed')
      return { file: module.moduleId, isComplete: ran && module.state() === 'passed' && module.errors().length === 0 }
    }),
  )
}

export function completedJestFiles(results: JestResults | undefined): string[] {
  if (!results || results.wasInterrupted) return []
  return completedIn(
    results.testResults.map(({ testFilePath, skipped, testExecError, testResults }) => {
      const ran = testResults.every(({ status }) => status === 'passed' || status === 'todo')
      return { file: testFilePath, isComplete: ran && testResults.length > 0 && !skipped && !testExecError }
    }),
  )
}

/** A file that several projects run must be complete in each of them. */
function completedIn(runs: readonly { file: string; isComplete: boolean }[]): string[] {
  const incomplete = new Set(runs.filter(({ isComplete }) => !isComplete).map(({ file }) => file))
  return [...new Set(runs.map(({ file }) => file))].filter((file) => !incomplete.has(file))
}
