// Runs Vitest in a project as npm would install it, with one test that compares.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/** @returns a project's folder whose node_modules have this package and its dependencies */
export function makeProject(folder) {
  const project = mkdtempSync(join(folder, 'project-'))
  const modules = join(project, 'node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name), 'dir')
  }
  for (const part of ['dist', 'package.json']) {
    cpSync(join(ROOT, part), join(modules, 'golden-logits', part), { recursive: true })
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(project, 'vitest.config.js'), 'export default { test: { include: ["*.test.js"] } }')
  writeFileSync(join(project, 'empty.test.js'), `import { test } from 'vitest'\ntest('nothing', () => {})\n`)
  return project
}

/** Adds a test that compares two dumps and writes down how long loading the package and comparing took. */
export function addComparison(project, name, { golden, dump }) {
  writeFileSync(
    join(project, `${name}.test.js`),
    `import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
test('compares', async () => {
  const started = performance.now()
  await import('golden-logits/vitest')
  const loaded = performance.now()
  expect(${JSON.stringify(dump)}).toMatchGoldenLogits(${JSON.stringify(golden)}, { thresholds: { klDivergence: 1 } })
  writeFileSync(${JSON.stringify(join(project, `${name}.json`))}, JSON.stringify([loaded - started, performance.now() - loaded]))
})
`,
  )
}

/** @returns the milliseconds of the process, and of these the time for loading the package and for comparing */
export function runProject(project, name) {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const started = performance.now()
  execFileSync(process.execPath, [vitest, 'run', `${name}.test.js`], { cwd: project, stdio: 'ignore' })
  const whole = performance.now() - started
  const [load, compare] = name === 'empty' ? [0, 0] : JSON.parse(readFileSync(join(project, `${name}.json`), 'utf8'))
  return { whole, load, compare }
}
