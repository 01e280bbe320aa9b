import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { rowsOf } from '../lib/csv.mjs'
import { environment, outputOf } from '../lib/run.mjs'
import { JEST_30, JEST_JSDOM, VITEST_4, VITEST_5 } from '../lib/versions.mjs'

/** The runners, and the oldest major version of Node that each supports. */
export const RUNNERS = [
  { name: 'Vitest 4', specs: [VITEST_4], oldestNode: 20, isJest: false },
  { name: 'Vitest 5', specs: [VITEST_5], oldestNode: 22, isJest: false },
  { name: 'Jest 30', specs: [JEST_30, JEST_JSDOM], oldestNode: 20, isJest: true },
]

const GATE = `
const gate = (build = 'npu', options = {}) =>
  expect('../dumps/' + build).toMatchGoldenLogits('../dumps/gpu', { dtype: 'bf16', ...options })
const snapshot = (build, options = {}) => expect('../dumps/' + build).toMatchLogitsSnapshot({ dtype: 'bf16', ...options })
`
const VITEST_HEAD = `
import * as fs from 'node:fs'
import 'golden-logits/vitest'
import { loadDump } from 'golden-logits'
import { describe, expect, test } from 'vitest'
`
const JEST_HEAD = `
const fs = require('node:fs')
require('golden-logits/jest')
const { loadDump } = require('golden-logits')
`

/** A folder with tests in a project of one runner. Each fault has its own. */
export class Suite {
  /**
   * @param {import('../lib/project.mjs').Project} project
   * @param {typeof RUNNERS[number]} runner
   * @param {string} node the binary of Node
   * @param {string} folder
   */
  constructor(project, runner, node, folder) {
    Object.assign(this, { project, runner, node, folder, isJest: runner.isJest })
    project.write(`${folder}/package.json`, '{ "private": true }\n')
    this.configure()
  }

  path(...parts) {
    return this.project.path(this.folder, ...parts)
  }

  read(file) {
    return this.project.read(`${this.folder}/${file}`)
  }

  write(file, text) {
    this.project.write(`${this.folder}/${file}`, text)
  }

  /**
   * Writes the runner's config.
   * @param {{ reporters?: object[], vitest?: string, jest?: string }} options the options of our reporters, and what else
   * the config of either runner has
   */
  configure({ reporters = [{ csv: 'out/report.csv', html: false }], vitest = '', jest = '' } = {}) {
    const named = JSON.stringify(['default', ...reporters.map((options) => ['golden-logits/reporter', options])])
    const isolated = "maxWorkers: 2, fileParallelism: true, testTimeout: 60000, include: ['*.test.mjs']"
    if (this.isJest) {
      this.write(
        'jest.config.cjs',
        `module.exports = { maxWorkers: 2, transform: {}, testTimeout: 60000, testMatch: ['**/*.test.cjs'], reporters: ${named}, ${jest} }\n`,
      )
    } else {
      this.write('vitest.config.mjs', `export default { test: { ${isolated}, reporters: ${named}, ${vitest} } }\n`)
    }
  }

  /** Writes a test file: `body` may use `test`, `expect`, `describe`, `fs`, `loadDump`, `gate` and `snapshot`. */
  test(body, name = 'a') {
    this.write(`${name}.test.${this.isJest ? 'cjs' : 'mjs'}`, (this.isJest ? JEST_HEAD : VITEST_HEAD) + GATE + body)
  }

  /** A test that is retried once. */
  retried(name, body) {
    return this.isJest
      ? `jest.retryTimes(1)\ntest('${name}', () => { ${body} })\n`
      : `test('${name}', { retry: 1 }, () => { ${body} })\n`
  }

  /**
   * Runs the tests.
   * @param {string[]} args for the runner
   * @param {{ env?: Record<string, string>, ci?: boolean, during?: (child: import('node:child_process').ChildProcess) => unknown }} options
   * `ci`: as on a build server, which writes no snapshots; `during` is called once the runner runs
   * @returns {Promise<{ code: number | null, signal: string | null, text: string }>}
   */
  async run(args = [], { env = {}, ci = false, during } = {}) {
    const script = this.isJest ? 'node_modules/jest/bin/jest.js' : 'node_modules/vitest/vitest.mjs'
    const own = this.isJest ? [`--ci=${ci}`] : ['run']
    const child = spawn(this.node, [this.project.path(script), ...own, ...args], {
      cwd: this.path(),
      env: environment({ ...(ci && { CI: '1' }), ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C in a terminal reaches all processes of a group.
      detached: process.platform !== 'win32',
    })
    const ended = outputOf(child, 120)
    await during?.(child)
    const { code, signal, out, err } = await ended
    return { code, signal, text: out + err }
  }

  /** Waits for a file that a test writes. */
  async written(file) {
    for (let waited = 0; !existsSync(this.path(file)); waited += 50) {
      if (waited > 60_000) throw new Error(`the test does not write ${file}`)
      await setTimeout(50)
    }
  }

  /** Runs the command of the package. */
  command(...args) {
    const { bin } = JSON.parse(this.project.read('node_modules/golden-logits/package.json'))
    const script = this.project.path('node_modules/golden-logits', bin['golden-logits'])
    return this.project.node([script, ...args], { folder: this.folder, node: this.node })
  }

  /** The rows of a report; none if there is no report. */
  rows(file = 'out/report.csv') {
    return existsSync(this.path(file)) ? rowsOf(this.read(file)) : []
  }
}
