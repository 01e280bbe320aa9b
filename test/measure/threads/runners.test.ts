import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bundled } from '../../build/bundled.js'
import { CHILD, faultyPackage } from './faulty-package.js'

const MODULES = join(import.meta.dirname, '../../../node_modules')
const threadCount = await bundled('measure/threads/thread-count')

/** The same claims in every runner: its own workers, contexts and timers make no difference, and it gets its share. */
function body(root: string, folder: string, name: string, timers: string): string {
  return `
const { mixedDumps } = require(${JSON.stringify(join(CHILD, 'dumps.cjs'))})
const { appendFileSync, existsSync } = require('node:fs')
const { isDeepStrictEqual } = require('node:util')
const { threadCount } = require(${JSON.stringify(threadCount)})

test('any number of threads', () => {
  const { golden, dump } = mixedDumps(${JSON.stringify(join(folder, `${name}-dumps`))}, 60)
  const expected = compareDumps(dump, golden, { threads: 1 })
  // A busy machine may start workers late.
  for (let round = 0; round < 200 && !existsSync(${JSON.stringify(join(root, 'marks'))}); round++) {
    if (round === 1) ${timers}.useFakeTimers()
    expect(compareDumps(dump, golden, { threads: 2 })).toStrictEqual(expected)
  }
  expect(existsSync(${JSON.stringify(join(root, 'marks'))})).toBe(true)
  // The workers that are there already have messages from another context.
  expect(compareDumps(dump, golden, { threads: 2 })).toStrictEqual(expected)
  expect(isDeepStrictEqual(compareDumps(dump, golden, { threads: 2 }), expected)).toBe(true)
  appendFileSync(${JSON.stringify(join(folder, 'counts'))}, threadCount(undefined) + '\\n')
})
`
}

/** @returns how the run ended, and how many threads each test worker would take by itself */
function run(
  runner: 'vitest' | 'jest',
  config: string,
  args: string[],
): { code: number; out: string; counts: number[] } {
  const { root } = faultyPackage('stays')
  const folder = mkdtempSync(join(tmpdir(), 'golden-logits-runners-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/golden-logits'))
  symlinkSync(join(MODULES, 'vitest'), join(folder, 'node_modules/vitest'))
  for (const name of ['one', 'two']) {
    const head = {
      vitest: `import { createRequire } from 'node:module'\nimport { expect, test, vi } from 'vitest'\nimport { compareDumps } from 'golden-logits'\nconst require = createRequire(import.meta.url)\n`,
      jest: `const { compareDumps } = require('golden-logits')\n`,
    }[runner]
    const file = `${name}.test.${runner === 'vitest' ? 'mjs' : 'cjs'}`
    writeFileSync(join(folder, file), head + body(root, folder, name, runner === 'vitest' ? 'vi' : 'jest'))
  }
  writeFileSync(join(folder, runner === 'vitest' ? 'vitest.config.mjs' : 'jest.config.cjs'), config)
  const entry = join(MODULES, runner === 'vitest' ? 'vitest/vitest.mjs' : 'jest/bin/jest.js')
  const { VITEST: _, VITEST_POOL_ID: __, VITEST_WORKER_ID: ___, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 100_000,
    env: { ...env, NODE_OPTIONS: `--require ${join(CHILD, 'slow-dumps.cjs')}`, NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const counts = join(folder, 'counts')
  expect(existsSync(counts), stdout + stderr).toBe(true)
  return {
    code: status ?? -1,
    out: stdout + stderr,
    counts: readFileSync(counts, 'utf8').trim().split('\n').map(Number),
  }
}

const share = (workers: number) => Math.max(1, Math.min(8, Math.floor(availableParallelism() / workers)))

test.each(['forks', 'threads', 'vmForks', 'vmThreads'])('Vitest, pool %s', (pool) => {
  const config = `export default { test: { pool: '${pool}', maxWorkers: 2, testTimeout: 60000 } }\n`
  const { code, out, counts } = run('vitest', config, ['run'])
  expect(out).toContain('2 passed (2)')
  expect(out).not.toMatch(/close timed out|Unhandled|hanging/i)
  expect({ code, counts }).toEqual({ code: 0, counts: [share(2), share(2)] })
})

test.each([
  ['workers', ['--maxWorkers', '2'], share(Math.max(2, availableParallelism() - 1))],
  ['worker threads', ['--maxWorkers', '2', '--workerThreads'], share(Math.max(2, availableParallelism() - 1))],
  ['in band', ['--runInBand'], share(1)],
])('Jest, %s', (_, args, count) => {
  const config = `module.exports = { testMatch: ['<rootDir>/*.test.cjs'], transform: {}, testTimeout: 60000 }\n`
  const { code, out, counts } = run('jest', config, args)
  expect(out).toContain('2 passed, 2 total')
  expect(out).not.toMatch(/did not exit|failed to exit|open handle/i)
  expect({ code, counts }).toEqual({ code: 0, counts: [count, count] })
})
