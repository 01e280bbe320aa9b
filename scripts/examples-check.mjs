// `npm run release:check -- examples` runs the examples that need packages of their own: logits in memory from
// onnxruntime-node, transformers.js, and onnxruntime-web in Chromium. Each is installed by its lock file, beside the packed
// package, in a new folder. An example whose packages cannot be installed is skipped, and the reason is printed.
import { equal } from 'node:assert/strict'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Checks } from './lib/checks.mjs'
import { install } from './lib/installs.mjs'
import { pack } from './lib/pack.mjs'
import { Project } from './lib/project.mjs'
import { run, tail } from './lib/run.mjs'

/** The name of the folder and the number of its tests. */
const EXAMPLES = { 'onnxruntime-node': 4, 'transformers-js': 3, browser: 2 }

const checks = new Checks()
const packed = await pack()
for (const [name, tests] of Object.entries(EXAMPLES)) {
  const chromium = name === 'browser' ? findChromium() : undefined
  if (name === 'browser' && chromium === undefined) {
    checks.skip(`examples/${name}`, 'there is no Chromium; install one, or set CHROMIUM to its path')
    continue
  }
  const project = new Project()
  try {
    project.copy(`examples/${name}`, name)
    project.copy('examples/models', 'models')
    project.copy('examples/collect', 'collect')
    const problem = await installProblem(project.path(name))
    if (problem !== undefined) checks.skip(`examples/${name}`, `its packages cannot be installed:\n${problem}`)
    else await checks.hold(`examples/${name}`, () => runExample(project, name, tests, chromium))
  } finally {
    project.remove()
  }
}
checks.end()

async function installProblem(folder) {
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--ignore-scripts']
  const { code, out, err } = await run('npm', ['ci', ...flags], { cwd: folder })
  if (code !== 0) return tail(out + err, 6)
  await install(folder, ['--no-save', packed.file])
  return undefined
}

/** As in CI: no snapshot is written, and the one in the repository must match. */
async function runExample(project, name, tests, chromium) {
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const env = { CI: 'true', ...(chromium && { CHROMIUM: chromium }) }
  const { code, out, err } = await project.node([vitest, 'run'], { folder: name, env })
  equal(code, 0, tail(out + err, 40))
  equal(out.match(/Tests +(\d+) passed \((\d+)\)/)?.[1], String(tests), tail(out + err, 40))
  return `${tests} tests pass`
}

/** The path of a Chromium, from the variable CHROMIUM or the search path. */
function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable)
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
