// `npm run example` runs the bundled example as a user would: two builds are compared with one golden, and the second one
// fails on purpose. Exits with 0 if exactly that happens.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
const project = join(import.meta.dirname, '..', 'examples', 'vitest')

const { status } = spawnSync(process.execPath, [vitest, 'run'], { cwd: project, stdio: 'inherit' })
if (status !== 1) {
  console.error(`\nThe example must fail at token 3, but it ended with exit code ${status}.`)
  process.exit(1)
}
console.log('\nThis failure is intended: the good build passes, the degraded build fails at token 3.')
console.log('The tests are in examples/vitest, the dumps in examples/dumps.')
