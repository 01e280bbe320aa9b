/** The part of Vitest's report of a test file that is used; structural, as no runner is imported. */
interface VitestModule {
  readonly moduleId: string
  state(): string
  errors(): readonly unknown[]
  readonly children: {
    allTests(): Iterable<{ result(): { state: string }; readonly options: { readonly mode?: string } }>
  }
}

/** The same of Jest's. */
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
 * The test files of a run that ran to their end with no test failed, skipped or filtered out: what they did not use, they
 * do not need. `todo` tests have no body to run.
 */
export function wholeVitestFiles(modules: readonly unknown[]): string[] {
  return wholeOnes(
    (modules as readonly VitestModule[]).map((module) => {
      const tests = [...module.children.allTests()]
      const ran = tests.every((test) => test.options.mode === 'todo' || test.result().state === 'passed')
      return { file: module.moduleId, whole: ran && module.state() === 'passed' && module.errors().length === 0 }
    }),
  )
}

export function wholeJestFiles(results: JestResults | undefined): string[] {
  if (!results || results.wasInterrupted) return []
  return wholeOnes(
    results.testResults.map(({ testFilePath, skipped, testExecError, testResults }) => {
      const ran = testResults.every(({ status }) => status === 'passed' || status === 'todo')
      return { file: testFilePath, whole: ran && testResults.length > 0 && !skipped && !testExecError }
    }),
  )
}

/** A file that several projects run must be whole in each of them. */
function wholeOnes(runs: readonly { file: string; whole: boolean }[]): string[] {
  const broken = new Set(runs.filter(({ whole }) => !whole).map(({ file }) => file))
  return [...new Set(runs.map(({ file }) => file))].filter((file) => !broken.has(file))
}
