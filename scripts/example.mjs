// Runs the bundled example gate as a user would: two builds held to one golden, of which the second fails on purpose.
// Ends with 0 where exactly that happened.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
const project = join(import.meta.dirname, '..', 'examples', 'vitest')

const { status } = spawnSync(process.execPath, [vitest, 'run'], { cwd: project, stdio: 'inherit' })
if (status !== 1) {
  console.error(`\nThe example was to fail at token 3, but it ended with ${status}.`)
  process.exit(1)
}
console.log('\nThat failure is the example: one build passed the gate, the degraded one failed it at token 3.')
console.log('Its tests are in examples/vitest, its dumps in examples/dumps.')
