// The checks before a release: `npm run release:check` runs all of them, `npm run release:check -- matrix types` runs those.
// `--quick`, as CI has it, shortens the matrix to each runner once and leaves out the faults, which take several minutes.
// Exits with 1 if one of them fails.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
/** The tests of the code that reads files: vitest.config.ts demands full coverage of it. */
const READERS = [
  'test/errors.test.ts',
  'test/error-codes.test.ts',
  'test/formats',
  'test/fuzz',
  'test/io',
  'test/tensor',
]

const CHECKS = {
  coverage: [vitest, 'run', '--coverage', '--coverage.reporter=text-summary', ...READERS],
  package: ['scripts/package-check.mjs'],
  types: ['scripts/types-check.mjs'],
  matrix: ['scripts/matrix.mjs'],
  faults: ['scripts/faults.mjs'],
  examples: ['scripts/examples-check.mjs'],
}

const args = process.argv.slice(2)
const flags = args.filter((arg) => arg.startsWith('-'))
const names = args.filter((arg) => !arg.startsWith('-'))
const unknown = [...names.filter((name) => !Object.hasOwn(CHECKS, name)), ...flags.filter((flag) => flag !== '--quick')]
if (unknown.length > 0) {
  console.error(`there is no check '${unknown[0]}'; there are ${Object.keys(CHECKS).join(', ')}, and the flag --quick`)
  process.exit(2)
}

const failed = []
for (const [name, command] of Object.entries(CHECKS)) {
  if (names.length > 0 && !names.includes(name)) continue
  const isLeftOut = name === 'faults' && flags.length > 0 && names.length === 0
  console.log(
    `\nrelease:check ${name}${isLeftOut ? ': skipped, not in --quick; run npm run release:check -- faults' : ''}`,
  )
  if (isLeftOut) continue
  const quick = name === 'matrix' ? flags : []
  const { status } = spawnSync(process.execPath, [...command, ...quick], { cwd: root, stdio: 'inherit' })
  if (status !== 0) failed.push(name)
}
console.log(failed.length > 0 ? `\nrelease:check: ${failed.join(', ')} failed` : '\nrelease:check: passed')
process.exitCode = failed.length > 0 ? 1 : 0
