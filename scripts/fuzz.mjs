// Fuzzes the readers: `npm run fuzz`, or `npm run fuzz -- --inputs 50000 --seed 7 --threads 2 --trees 200`.
// Compiles test/fuzz together with the sources under test. Exits with 1 if it finds a defect.
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    trees: { type: 'string', default: '300' },
  },
})

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
execFileSync(process.execPath, [tsc, '-p', join(root, 'test/fuzz/tsconfig.json')], { stdio: 'inherit' })
const { longRun } = await import(pathToFileURL(join(root, '.fuzz/test/fuzz/long-run.js')).href)
const clean = await longRun({
  fixtures: join(root, 'test/fixtures'),
  failures: join(root, '.fuzz/failures'),
  seed: Number(values.seed),
  count: Number(values.inputs),
  threads: Number(values.threads),
  trees: Number(values.trees),
})
process.exitCode = clean ? 0 : 1
