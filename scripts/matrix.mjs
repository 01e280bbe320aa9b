// Runs one suite under every supported runner and Node, from the packed package, and holds all of them to the same
// verdicts and the same CSV, byte for byte (the test file's name and the durations aside). `--ci` runs a part.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { install, installPacked, nodeOf, pack, ROOT } from './consumers.mjs'

const RUNNERS = [
  { name: 'Vitest 4', dependencies: { vitest: '~4.1' }, runner: 'vitest', nodes: [20, 22, 24, 26] },
  { name: 'Vitest 5', dependencies: { vitest: '^5.1' }, runner: 'vitest', nodes: [22, 24, 26] },
  { name: 'Jest 30, CommonJS', dependencies: { jest: '^30.5' }, runner: 'jest', nodes: [20, 22, 24, 26] },
  { name: 'Jest 30, ES modules', dependencies: { jest: '^30.5' }, runner: 'jest-esm', nodes: [20, 22, 24, 26] },
  { name: 'Jest 30.0', dependencies: { jest: '30.0.5' }, runner: 'jest', nodes: [20, 22, 24] },
]
const NODES = [20, 22, 24, 26]
const here = Number(process.versions.node.split('.')[0])
const isPart = process.argv.includes('--ci')

const loaders = (esm) => {
  const imports = esm
    ? "import { join } from 'node:path'\nimport { loadDump } from 'golden-logits'\n"
    : "const { join } = require('node:path')\nconst { loadDump } = require('golden-logits')\n"
  return `${imports}const golden = (tree) => loadDump(join(process.env.TREES, tree, 'golden'))\nconst dump = (tree) => loadDump(join(process.env.TREES, tree, 'my'))\n`
}

/** Writes the suite in the way of a runner. */
function writeProject(folder, runner) {
  const body = readFileSync(join(ROOT, 'test/projects/matrix/suite.mjs'), 'utf8')
  const reporters = "['default', ['golden-logits/reporter', { csv: 'report.csv' }]]"
  if (runner === 'jest') {
    const head = `const api = require('@jest/globals')\nrequire('golden-logits/jest')\n${loaders(false)}`
    writeFileSync(
      join(folder, 'suite.test.cjs'),
      `${head}${body.replace('export function', 'function')}suite(api, golden, dump)\n`,
    )
  } else {
    const from = runner === 'vitest' ? 'vitest' : '@jest/globals'
    const entry = runner === 'vitest' ? 'vitest' : 'jest'
    const head = `import * as api from '${from}'\nimport 'golden-logits/${entry}'\n${loaders(true)}`
    writeFileSync(
      join(folder, 'suite.test.mjs'),
      `${head}${body.replace('export function', 'function')}suite(api, golden, dump)\n`,
    )
  }
  if (runner === 'vitest') {
    writeFileSync(
      join(folder, 'vitest.config.mjs'),
      `export default { test: { reporters: ${reporters}, testTimeout: 60_000 } }\n`,
    )
  } else {
    writeFileSync(
      join(folder, 'jest.config.cjs'),
      `module.exports = { testMatch: ['<rootDir>/*.test.{cjs,mjs}'], moduleFileExtensions: ['js', 'cjs', 'mjs', 'json'], transform: {}, reporters: ${reporters} }\n`,
    )
  }
}

/** @returns what a run came to: `verdicts` by test, and the `rows` of its CSV */
function run(folder, runner, node) {
  const project = join(folder, `project-${runner}`)
  rmSync(project, { recursive: true, force: true })
  mkdirSync(project, { recursive: true })
  writeProject(project, runner)
  const script =
    runner === 'vitest'
      ? [
          join(folder, 'node_modules/vitest/vitest.mjs'),
          'run',
          '--reporter=json',
          '--reporter=golden-logits/reporter',
          '--outputFile=results.json',
        ]
      : [join(folder, 'node_modules/jest/bin/jest.js'), '--json', '--outputFile=results.json']
  const flags = runner === 'jest-esm' ? ['--experimental-vm-modules', '--no-warnings'] : []
  const { stderr, stdout } = spawnSync(node, [...flags, ...script], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', CI: '1', TREES: join(ROOT, 'test/fixtures/trees') },
  })
  if (!existsSync(join(project, 'results.json')) || !existsSync(join(project, 'report.csv'))) {
    return { failed: `${stdout}\n${stderr}` }
  }
  const { testResults } = JSON.parse(readFileSync(join(project, 'results.json'), 'utf8'))
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const verdicts = tests.map(
    ({ ancestorTitles, title, status }) => `${[...ancestorTitles, title].filter(Boolean).join(' ')}: ${status}`,
  )
  const csv = readFileSync(join(project, 'report.csv'), 'utf8')
  const rows = csv.replaceAll('suite.test.cjs', 'suite.test.mjs').replace(/,\d*$/gm, ',')
  const passed = tests.filter(({ status }) => status === 'passed').length
  return { verdicts: verdicts.sort().join('\n'), rows, passed, failing: tests.length - passed }
}

const short = (text) => createHash('sha256').update(text).digest('hex').slice(0, 8)

const { tarball } = pack()
const table = []
const notes = []
let first
let wrong = 0

for (const { name, dependencies, runner, nodes } of RUNNERS) {
  const line = { runner: name }
  for (const major of NODES) {
    const column = `Node ${major}`
    if (!nodes.includes(major)) {
      line[column] = 'not supported'
      continue
    }
    if (isPart && (major !== here || name === 'Jest 30.0') && !(name === 'Vitest 5' && major === 24)) {
      line[column] = 'not in this part'
      continue
    }
    const node = nodeOf(major)
    if (node.skipped) {
      line[column] = 'SKIPPED'
      notes.push(`skipped: ${node.skipped}`)
      continue
    }
    const folder = install(name.toLowerCase().replace(/\W+/g, '-'), dependencies)
    installPacked(folder, tarball)
    const result = run(folder, runner, node.path)
    if (result.failed) {
      wrong++
      line[column] = 'NO REPORT'
      notes.push(`${name}, ${column}: ${result.failed.slice(-3000)}`)
      continue
    }
    first ??= { ...result, where: `${name}, ${column}` }
    const same = result.verdicts === first.verdicts && result.rows === first.rows
    if (!same) {
      wrong++
      notes.push(`${name}, ${column} differs from ${first.where}:\n${difference(first, result)}`)
    }
    line[column] =
      `${same ? 'same' : 'DIFFERS'}: ${result.passed} pass, ${result.failing} fail, csv ${short(result.rows)}`
  }
  table.push(line)
}

function difference(a, b) {
  const [as, bs] = [a, b].map(({ verdicts, rows }) => `${verdicts}\n${rows}`.split('\n'))
  const i = as.findIndex((text, at) => text !== bs[at])
  return `  ${as[i]}\n  ${bs[i]}`
}

console.table(Object.fromEntries(table.map(({ runner, ...cells }) => [runner, cells])))
for (const note of new Set(notes)) console.log(note)
const ran = table.flatMap((line) => Object.values(line)).filter((text) => /^(same|DIFFERS|NO)/.test(text)).length
console.log(`${ran} combinations ran, ${wrong} of them wrong.`)
if (wrong > 0 || ran === 0) process.exitCode = 1
