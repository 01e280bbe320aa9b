// `npm run release:check -- matrix` runs one suite from the packed package under every supported runner on every supported
// Node; with `--quick`, as in CI, each runner runs once. Verdicts, messages and the bytes of the CSV must be the same
// everywhere; the first difference is printed. Not compared: the project's folder, durations, and the colours and stack traces
// of messages, which belong to the runner. Each runner also runs with a worker killed by SIGKILL, and as two shards whose
// merged reports must equal the report of one run.
import { equal, ok } from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { Checks } from './lib/checks.mjs'
import { pack } from './lib/pack.mjs'
import { Project } from './lib/project.mjs'
import { tail } from './lib/run.mjs'
import { tableOf } from './lib/table.mjs'
import { nodeOf } from './matrix/nodes.mjs'
import { checkKilled, checkVerdicts, differenceOf, outcomeOf } from './matrix/outcome.mjs'
import { copyTests, RUNNERS } from './matrix/runners.mjs'

const quick = process.argv.includes('--quick')
const thisMajor = Number(process.versions.node.split('.')[0])
const MAJORS = [...new Set([thisMajor, 20, 22, 24, 26])].sort((a, b) => a - b)

/** With `--quick` each runner runs once: on this Node, or on Node 24 if the runner does not support this one. */
function isWanted(runner, major) {
  return !quick || major === (runner.nodes.includes(thisMajor) ? thisMajor : 24)
}

const checks = new Checks()
const cells = new Map()
let reference

const packed = await pack()
const nodes = new Map()
for (const major of MAJORS) {
  if (RUNNERS.some((runner) => isWanted(runner, major) && runner.nodes.includes(major)))
    nodes.set(major, await nodeOf(major))
}
for (const runner of RUNNERS) {
  console.log(`\n${runner.name} (${runner.spec})`)
  const project = await Project.with(packed.file, runner.spec)
  try {
    project.copy('examples/dumps', 'dumps')
    project.copy('test/fixtures/trees', 'trees')
    for (const folder of ['suite', 'killed']) copyTests(project, folder, runner)
    for (const major of MAJORS) cells.set(`${runner.name} ${major}`, await cell(project, runner, major))
  } finally {
    project.remove()
  }
}

const header = ['', ...MAJORS.map((major) => `Node ${nodes.get(major)?.version ?? major}`)]
const rows = RUNNERS.map(({ name }) => [name, ...MAJORS.map((major) => cells.get(`${name} ${major}`))])
console.log(`\n${tableOf(header, rows)}\n`)
console.log('same: verdicts, messages and CSV rows equal the first run, byte for byte, except paths and durations')
await checks.hold('a difference of one byte is detected', () => {
  const csv = reference.csv.replace(/\d(?=\D*$)/, (digit) => String(9 - Number(digit)))
  ok(differenceOf(reference, { ...reference, csv }) !== undefined, 'it is not detected')
})
await checks.hold('runs were compared', () => {
  const ran = [...cells.values()].filter((text) => text.startsWith('same')).length
  equal(ran >= 2, true, 'fewer than two runs were possible and equal')
  return `${ran}`
})
checks.end()

/** One runner on one Node. @returns its cell of the table */
async function cell(project, runner, major) {
  if (!isWanted(runner, major)) return 'not in --quick'
  const name = `Node ${major}`
  if (!runner.nodes.includes(major)) {
    checks.skip(name, `${runner.spec} excludes it: engines ${enginesOf(project, runner)}`)
    return 'excluded'
  }
  const node = nodes.get(major)
  if (!node.binary) {
    checks.skip(name, node.missing)
    return 'no binary'
  }
  const results = [
    await checks.hold(`Node ${node.version}: the suite`, () => checkSuite(project, runner, node)),
    await checks.hold(`Node ${node.version}: a killed worker`, () => checkKilledRun(project, runner, node)),
    await checks.hold(`Node ${node.version}: two shards, merged`, () => checkShards(project, runner, node)),
  ]
  return results.every(Boolean) ? 'same' : 'DIFFERENT'
}

async function runSuite(project, runner, node, folder, args = []) {
  for (const file of ['report.csv', 'results.json']) rmSync(project.path(folder, file), { force: true })
  const ended = await runner.run(project, folder, { node: node.binary, args, env: { CI: '1' } })
  try {
    return { ended, csv: project.read(`${folder}/report.csv`) }
  } catch {
    throw new Error(`the runner ended with ${ended.code} and without a report:\n${tail(ended.out + ended.err)}`)
  }
}

async function checkSuite(project, runner, node) {
  const { ended, csv } = await runSuite(project, runner, node, 'suite')
  const outcome = outcomeOf(project, ended, csv)
  const summary = checkVerdicts(outcome, ended)
  project.write('whole.csv', csv)
  reference ??= outcome
  equal(differenceOf(reference, outcome), undefined)
  return summary
}

async function checkKilledRun(project, runner, node) {
  const { ended, csv } = await runSuite(project, runner, node, 'killed')
  return checkKilled(csv, ended)
}

async function checkShards(project, runner, node) {
  const rows = []
  for (const shard of [1, 2]) {
    const { csv } = await runSuite(project, runner, node, 'suite', [`--shard=${shard}/2`])
    rows.push(csv.trimEnd().split('\n').length - 1)
    project.write(`shard-${shard}.csv`, csv)
  }
  const command = project.path('node_modules/golden-logits', binOf(project))
  const args = [command, 'merge', 'shard-1.csv', 'shard-2.csv', '--output', 'merged.csv']
  const { code, out, err } = await project.node(args, { node: node.binary })
  equal(code, 0, tail(out + err))
  const [merged, whole] = ['merged.csv', 'whole.csv'].map((csv) => outcomeOf(project, { tests: {} }, project.read(csv)))
  equal(differenceOf(whole, merged), undefined)
  equal(
    rows.every((count) => count > 0),
    true,
    'a shard has no rows',
  )
  return `${rows.join(' + ')} lines, merged, equal the report of one run`
}

function binOf(project) {
  return JSON.parse(project.read('node_modules/golden-logits/package.json')).bin['golden-logits']
}

function enginesOf(project, { spec }) {
  return JSON.parse(project.read(`node_modules/${spec.replace(/@[^@]*$/, '')}/package.json`)).engines.node
}
