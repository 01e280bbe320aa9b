// `npm run release:check -- package` checks the package as it would be published: it packs it, lints the tarball, and
// installs it into new projects, one per runner and module system, whose tests compare the bundled dumps.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Checks } from './lib/checks.mjs'
import { rowsOf } from './lib/csv.mjs'
import { pack } from './lib/pack.mjs'
import { Project } from './lib/project.mjs'
import { tail } from './lib/run.mjs'
import { jest, nodeTest, vitest } from './lib/runners.mjs'
import { EXPECT_30, JEST_30, JEST_JSDOM, JEST_TYPES, TS_JEST, TYPESCRIPT_5, VITEST_4 } from './lib/versions.mjs'
import { checkContents, checkManifest } from './package/contents.mjs'
import {
  checkDuality,
  checkEntries,
  checkMissingRunner,
  packagesIn,
  packagesLoadedBy,
  RUNNER_ENTRIES,
} from './package/entries.mjs'
import { attw, bundle, publint } from './package/tools.mjs'

const checks = new Checks()
const packed = await pack()
const projects = []
const user = async (...specs) => {
  const project = await Project.with(packed.file, ...specs)
  projects.push(project)
  project.copy('examples/dumps', 'dumps')
  return project
}

try {
  console.log(`\n${packed.filename}`)
  const bare = await user()
  const installed = bare.path('node_modules/golden-logits')
  const { exports } = JSON.parse(readFileSync(`${installed}/package.json`, 'utf8'))
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'))
  await checks.hold('contains the expected files and nothing else', () => checkContents(packed, installed))
  await checks.hold('every path in package.json exists', () => checkManifest(installed))
  await checks.hold('publint --strict', () => publint(packed.file))
  await checks.hold('attw --profile strict', () => attw(packed.file))

  console.log('\nwithout a test runner')
  const plain = entries.filter((entry) => !(entry in RUNNER_ENTRIES))
  await checks.hold('import and require of every entry', () => checkEntries(bare, plain))
  for (const entry of entries.filter((name) => name in RUNNER_ENTRIES)) {
    await checks.hold(`golden-logits${entry.slice(1)} names the missing runner`, () => checkMissingRunner(bare, entry))
  }
  await checks.hold('ES modules and CommonJS work together', () => checkDuality(bare))
  await checks.hold('works in a bundle', () => bundle(bare))

  const runners = [
    ['Vitest 4', [VITEST_4], vitest, [['vitest', 'ES modules']]],
    [
      'Jest 30',
      [JEST_30, JEST_JSDOM, JEST_TYPES, TS_JEST, TYPESCRIPT_5],
      jest,
      [
        ['jest-cjs', 'CommonJS'],
        ['jest-esm', 'ES modules'],
        ['jest-jsdom', 'CommonJS under jsdom'],
        ['ts-jest', "TypeScript under ts-jest's defaults"],
      ],
    ],
    [
      'expect 30 under node:test',
      [EXPECT_30],
      nodeTest,
      [
        ['node-cjs', 'CommonJS'],
        ['node-esm', 'ES modules'],
      ],
    ],
  ]
  const dependencies = new Set(packagesIn(bare))
  for (const [name, specs, runner, folders] of runners) {
    console.log(`\nbeside ${name}`)
    const project = await user(...specs)
    for (const [folder, modules] of folders) {
      project.copy(`test/package/${folder}`, folder)
      await checks.hold(`a gate in ${modules}`, async () => checkGate(project, folder, await runner(project, folder)))
    }
    await checks.hold('entries that need no runner load none', () => checkTrace(project, plain, dependencies))
  }
} finally {
  for (const project of projects) project.remove()
}
checks.end()

/** One test passes, one fails at token 3 with our message. If the runner has reporters, the CSV has 24 rows. */
function checkGate(project, folder, { code, out, err, tests }) {
  const printed = tail(out + err, 40)
  equal(code, 1, `the runner ended with ${code}:\n${printed}`)
  const statuses = Object.fromEntries(Object.entries(tests).map(([name, { status }]) => [name, status]))
  const expected = { 'the good build passes': 'passed', 'the degraded build fails': 'failed' }
  deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, statuses[name]])), expected, printed)
  match(tests['the degraded build fails'].message, /First token over threshold: token 3 /)
  if (folder.startsWith('node-')) return 'passes and fails as expected'
  const rows = rowsOf(project.read(`${folder}/report.csv`))
  equal(rows.length, 24)
  const failed = rows.filter(({ pass }) => pass !== 'true').map((row) => `${row.test_name} ${row.token_id}`)
  deepEqual(failed, ['the degraded build fails 3'])
  return `passes and fails as expected, ${rows.length} rows`
}

/** @param dependencies the packages that come with golden-logits: no others may be loaded */
async function checkTrace(project, entries, dependencies) {
  const imports = entries.map((entry) => `await import('golden-logits${entry.slice(1)}')`).join('\n')
  const loaded = await packagesLoadedBy(project, imports)
  ok(loaded.has('golden-logits'), 'the trace lists no package')
  deepEqual(
    [...loaded].filter((name) => !dependencies.has(name)),
    [],
  )
  // The trace would list a runner: this one is installed.
  const runner = ['vitest', 'expect'].find((name) => packagesIn(project).includes(name))
  ok(
    (await packagesLoadedBy(project, `${imports}\nawait import('${runner}')`)).has(runner),
    'the trace misses a runner that is loaded',
  )
  return [...loaded].sort().join(' ')
}
