import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../lib/project.mjs'
import { jest, vitest } from '../lib/runners.mjs'
import { JEST_30, VITEST_4, VITEST_5 } from '../lib/versions.mjs'

const VITEST_CONFIG = `export default {
  test: {
    globals: true,
    setupFiles: ['golden-logits/vitest'],
    include: ['*.test.js'],
    reporters: ['default', ['golden-logits/reporter', { csv: 'report.csv' }]],
  },
}
`
// With a memory limit Jest always starts workers, even for few and fast test files.
const jestConfig = (exported) => `${exported} {
  transform: {},
  setupFilesAfterEnv: ['golden-logits/jest'],
  workerIdleMemoryLimit: '8GB',
  reporters: ['default', ['golden-logits/reporter', { csv: 'report.csv' }]],
}
`
/** Without a transform Jest runs CommonJS only: replaces the imports of the tests by `require`. */
const asCommonJs = (text) => text.replace(/^import (\{[^}]*\}) from ('[^']*')$/gm, 'const $1 = require($2)')

/** The rows of the matrix. `nodes`: the major versions of Node that the runner's package.json allows. */
export const RUNNERS = [
  {
    name: 'Vitest 4',
    spec: VITEST_4,
    nodes: [20, 22, 24, 26],
    run: vitest,
    config: ['vitest.config.mjs', VITEST_CONFIG],
  },
  { name: 'Vitest 5', spec: VITEST_5, nodes: [22, 24, 26], run: vitest, config: ['vitest.config.mjs', VITEST_CONFIG] },
  {
    name: 'Jest 30 (CommonJS)',
    spec: JEST_30,
    nodes: [20, 22, 24, 26],
    run: jest,
    config: ['jest.config.cjs', jestConfig('module.exports =')],
    commonjs: true,
  },
  {
    name: 'Jest 30 (ES modules)',
    spec: JEST_30,
    nodes: [20, 22, 24, 26],
    run: jest,
    config: ['jest.config.mjs', jestConfig('export default')],
  },
]

/** Copies a folder of test/matrix into a project, with the runner's config. */
export function copyTests(project, folder, { config: [name, text], commonjs = false }) {
  project.copy(`test/matrix/${folder}`, folder)
  project.write(`${folder}/package.json`, `{ "private": true, "type": "${commonjs ? 'commonjs' : 'module'}" }\n`)
  project.write(`${folder}/${name}`, text)
  if (!commonjs) return
  for (const file of testFiles(folder))
    project.write(`${folder}/${file}`, asCommonJs(project.read(`${folder}/${file}`)))
}

export function testFiles(folder) {
  return readdirSync(join(ROOT, 'test/matrix', folder)).sort()
}
