// `npm run release:check -- faults` ends workers and runners in every way, fills disks, makes folders read-only, and
// repeats, retries and shards tests under Vitest 4, Vitest 5 and Jest 30, on the oldest Node that each supports or this one.
// It prints a table: the rows that are due, the rows that are kept, and the exit code. A row that is due must be kept, or the
// run must fail. `node scripts/faults.mjs full` runs only the faults with `full` in their name.
import { equal } from 'node:assert/strict'
import { DISKS } from './faults/disks.mjs'
import { ENDS } from './faults/ends.mjs'
import { mountProblem } from './faults/mounts.mjs'
import { RUNNERS, Suite } from './faults/runners.mjs'
import { RUNS } from './faults/runs.mjs'
import { SNAPSHOTS } from './faults/snapshots.mjs'
import { Checks } from './lib/checks.mjs'
import { pack } from './lib/pack.mjs'
import { Project } from './lib/project.mjs'
import { tail } from './lib/run.mjs'
import { tableOf } from './lib/table.mjs'
import { nodeOf } from './matrix/nodes.mjs'

const parts = process.argv.slice(2)
const FAULTS = [...ENDS, ...DISKS, ...RUNS, ...SNAPSHOTS].filter(
  ({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)),
)
const noMounts = mountProblem()
const noSignals = process.platform === 'win32' ? 'Windows has no signals' : undefined

const checks = new Checks()
const cells = new Map()
const packed = await pack()
for (const runner of RUNNERS) {
  console.log(`\n${runner.name} (${runner.specs[0]})`)
  const node = await nodeFor(runner)
  if (!node.binary) {
    checks.skip(runner.name, `it needs Node ${runner.oldestNode}, and ${node.missing}`)
    continue
  }
  const project = await Project.with(packed.file, ...runner.specs)
  try {
    project.copy('examples/dumps', 'dumps')
    for (const [i, fault] of FAULTS.entries()) {
      cells.set(
        `${fault.name} ${runner.name}`,
        await cell(fault, new Suite(project, runner, node.binary, `fault-${i}`)),
      )
    }
  } finally {
    project.remove()
  }
}

console.log(
  '\nrows due / rows kept / exit code, or the signal that ended the runner; *: rows lost, counted, and the run fails',
)
const rows = FAULTS.map(({ name }) => [
  name,
  ...RUNNERS.map((runner) => cells.get(`${name} ${runner.name}`) ?? 'no Node'),
])
console.log(`${tableOf(['', ...RUNNERS.map(({ name }) => name)], rows)}\n`)
checks.end()

/** This Node, or one that the runner supports. */
function nodeFor({ oldestNode }) {
  const major = Number(process.versions.node.split('.')[0])
  return nodeOf(major >= oldestNode ? major : 24)
}

/** One fault under one runner. @returns its cell of the table */
async function cell(fault, suite) {
  if (fault.runners && !fault.runners(suite.runner)) return '–'
  const missing = (fault.needsMounts && noMounts) || (fault.needsSignals && noSignals)
  if (missing) {
    checks.skip(fault.name, missing)
    return 'skipped'
  }
  let text = 'FAILED'
  await checks.hold(fault.name, async () => {
    const { due, kept, code, text: printed, isRed, note } = await fault.run(suite)
    equal(code !== 0, isRed, `the exit code is ${code}\n${tail(printed, 40)}`)
    if (!fault.isLossy || !isRed) equal(kept, due, `rows kept, and rows due\n${tail(printed, 40)}`)
    text = `${due} / ${kept}${kept < due ? '*' : ''} / ${code}`
    return `${due} due, ${kept} kept, exit ${code}${note ? `, ${note}` : ''}`
  })
  return text
}
