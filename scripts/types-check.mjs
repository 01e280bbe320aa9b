// Checks the types of the packed package under every version of the runners, each installed in a project of its own.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CACHE, install, installPacked, pack, ROOT } from './consumers.mjs'

const require = createRequire(import.meta.url)
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
const failures = []

function check(what, ok, details = '') {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}`)
  if (ok) return
  failures.push(what)
  if (details) console.log(details)
}

const node = (args, cwd) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  return { status, output: `${stdout}${stderr}` }
}

const { tarball } = pack()
// Types: what is right compiles, and every mistake is an error.
const RUNNERS = [
  ['Vitest 4', { vitest: '~4.1', '@types/node': '^20' }, 'vitest.ts', []],
  ['Vitest 4, globals', { vitest: '~4.1', '@types/node': '^20' }, 'vitest-globals.ts', ['vitest/globals']],
  ['Vitest 5', { vitest: '^5.1', '@types/node': '^22' }, 'vitest.ts', []],
  ['Vitest 5, globals', { vitest: '^5.1', '@types/node': '^22' }, 'vitest-globals.ts', ['vitest/globals']],
  ['@jest/globals 30', { '@jest/globals': '^30.5', '@types/node': '^20' }, 'jest-globals.ts', []],
  ['@types/jest 30', { '@types/jest': '^30', '@types/node': '^20' }, 'jest-types.ts', ['jest']],
]
for (const [name, dependencies, file, types] of RUNNERS) {
  const folder = install(`types-${Object.keys(dependencies)[0].replace(/\W+/g, '-')}`, dependencies)
  installPacked(folder, tarball)
  const code = readFileSync(join(ROOT, 'test/types', file), 'utf8')
  const project = join(folder, 'types')
  const errors = (text) => {
    rmSync(project, { recursive: true, force: true })
    mkdirSync(project)
    writeFileSync(join(project, 'a.mts'), text)
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2023',
      module: 'nodenext',
      skipLibCheck: true,
      types: ['node', ...types],
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['a.mts'] }))
    return node([tsc, '-p', project], project)
      .output.split('\n')
      .filter((line) => line.includes('error TS'))
  }
  const found = errors(code)
  check(`types under ${name}`, found.length === 0, found.join('\n'))
  const marks = code.match(/@ts-expect-error/g).length
  const mistakes = errors(code.replaceAll('@ts-expect-error', ''))
  check(`types under ${name} refuse all ${marks} mistakes`, mistakes.length === marks, mistakes.join('\n'))
}

console.log(
  failures.length === 0 ? '\nThe types hold.' : `\n${failures.length} checks failed. (${CACHE} holds the projects.)`,
)
process.exitCode = failures.length === 0 ? 0 : 1
