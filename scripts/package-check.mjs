// Checks the package as it would be published: `npm run package:check`. Packs it, lints the tarball, and installs it into
// projects of users that each run a gate on the bundled dumps, one per runner and module system.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Checks } from './lib/checks.mjs'
import { rowsOf } from './lib/csv.mjs'
import { pack } from './lib/pack.mjs'
import { Project } from './lib/project.mjs'
import { tail } from './lib/run.mjs'
import { jest, nodeTest, vitest } from './lib/runners.mjs'
import { EXPECT_30, JEST_30, VITEST_4 } from './lib/versions.mjs'
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
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json')
  await checks.hold('holds what it should and nothing else', () => checkContents(packed, installed))
  await checks.hold('its manifest leads to files that are there', () => checkManifest(installed))
  await checks.hold('publint --strict', () => publint(packed.file))
  await checks.hold('attw --profile node16', () => attw(packed.file))

  console.log('\nwithout a test runner')
  const plain = entries.filter((entry) => !(entry in RUNNER_ENTRIES))
  await checks.hold('import and require of every entry', () => checkEntries(bare, plain))
  for (const entry of entries.filter((name) => name in RUNNER_ENTRIES)) {
    await checks.hold(`golden-logits${entry.slice(1)} names the runner that is missing`, () =>
      checkMissingRunner(bare, entry),
    )
  }
  await checks.hold('the two halves work together', () => checkDuality(bare))
  await checks.hold('in a bundle', () => bundle(bare))

  const runners = [
    ['Vitest 4', [VITEST_4], vitest, [['vitest', 'ES modules']]],
    [
      'Jest 30',
      [JEST_30],
      jest,
      [
        ['jest-cjs', 'CommonJS'],
        ['jest-esm', 'ES modules'],
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
  const own = new Set(packagesIn(bare))
  for (const [name, specs, runner, folders] of runners) {
    console.log(`\nbeside ${name}`)
    const project = await user(...specs)
    for (const [folder, modules] of folders) {
      project.copy(`test/package/${folder}`, folder)
      await checks.hold(`a gate of ${modules}`, async () => checkGate(project, folder, await runner(project, folder)))
    }
    await checks.hold('no runner is loaded by the entries that need none', () => checkTrace(project, plain, own))
  }
} finally {
  for (const project of projects) project.remove()
}
checks.end()

/** One test passed, one failed at token 3 with our message; and where the runner has reporters, 24 rows say so. */
function checkGate(project, folder, { code, out, err, tests }) {
  const printed = tail(out + err, 40)
  equal(code, 1, `the runner ended with ${code}:\n${printed}`)
  const statuses = Object.fromEntries(Object.entries(tests).map(([name, { status }]) => [name, status]))
  const expected = { 'the good build passes': 'passed', 'the degraded build fails': 'failed' }
  deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, statuses[name]])), expected, printed)
  match(tests['the degraded build fails'].message, /First token over threshold: token 3 /)
  if (folder.startsWith('node-')) return 'passed and failed as it should'
  const rows = rowsOf(project.read(`${folder}/report.csv`))
  equal(rows.length, 24)
  const failed = rows.filter(({ pass }) => pass !== 'true').map((row) => `${row.test_name} ${row.token_id}`)
  deepEqual(failed, ['the degraded build fails 3'])
  return `passed and failed as it should, ${rows.length} rows`
}

/** @param own the packages that golden-logits brings along: nothing else may be loaded */
async function checkTrace(project, entries, own) {
  const imports = entries.map((entry) => `await import('golden-logits${entry.slice(1)}')`).join('\n')
  const loaded = await packagesLoadedBy(project, imports)
  ok(loaded.has('golden-logits'), 'the trace sees nothing')
  deepEqual(
    [...loaded].filter((name) => !own.has(name)),
    [],
  )
  // The trace can see a runner: this one is here.
  const runner = ['vitest', 'expect'].find((name) => packagesIn(project).includes(name))
  ok((await packagesLoadedBy(project, `${imports}\nawait import('${runner}')`)).has(runner), 'the trace sees no runner')
  return [...loaded].sort().join(' ')
}
