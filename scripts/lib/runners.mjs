// Starts each runner and returns the result of each test in one format.

const VITEST = 'node_modules/vitest/vitest.mjs'
const JEST = 'node_modules/jest/bin/jest.js'

/**
 * Runs a folder of a project with Vitest.
 * @returns what `run` returns, and `tests` by name
 */
export async function vitest(project, folder, { args = [], ...options } = {}) {
  // Reporters named here replace the reporters of the config file, but keep their options.
  const reporters = ['default', 'json', 'golden-logits/reporter'].map((name) => `--reporter=${name}`)
  const flags = ['run', ...reporters, '--outputFile=results.json', ...args]
  return withTests(project, folder, await project.node([project.path(VITEST), ...flags], { folder, ...options }))
}

/** Runs a folder of a project with Jest. A folder of ES modules needs a flag. */
export async function jest(project, folder, { args = [], ...options } = {}) {
  const esm = JSON.parse(project.read(`${folder}/package.json`)).type === 'module'
  const flags = ['--ci', '--json', '--outputFile=results.json', ...args]
  const node = [...(esm ? ['--experimental-vm-modules'] : []), project.path(JEST)]
  return withTests(project, folder, await project.node([...node, ...flags], { folder, ...options }))
}

/** Vitest and Jest write the same JSON. */
function withTests(project, folder, ended) {
  const tests = {}
  try {
    for (const { assertionResults } of JSON.parse(project.read(`${folder}/results.json`)).testResults) {
      for (const { fullName, status, failureMessages } of assertionResults) {
        tests[fullName] = { status, message: failureMessages.join('\n') }
      }
    }
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  return { ...ended, tests }
}

/** Runs a folder of a project with Node's test runner. Test names are read from its TAP output, messages stay in it. */
export async function nodeTest(project, folder) {
  const ended = await project.node(['--test', '--test-reporter=tap', 'gate.test.js'], { folder })
  const tests = {}
  for (const [, not, name] of ended.out.matchAll(/^\s*(not )?ok \d+ - (.*)$/gm)) {
    tests[name] = { status: not ? 'failed' : 'passed', message: not ? ended.out : '' }
  }
  return { ...ended, tests }
}
