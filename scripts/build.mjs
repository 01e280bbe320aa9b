// Builds the folder named (dist): the declarations by tsc, one a module, and the code by rolldown, a few files for each
// half: a file for each module made loading them most of a first comparison. Jest loads the CommonJS half, Vitest the ES
// module half.
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join } from 'node:path'
import { build } from 'rolldown'

const require = createRequire(import.meta.url)
const root = join(import.meta.dirname, '..')
const out = process.argv[2] ?? join(root, 'dist')

const ENTRIES = ['index', 'vitest', 'jest', 'matchers', 'reporter', 'cli']

/** Workers of both halves run the CommonJS one, by itself and with nothing but what they run: it starts faster. */
const WORKER = 'compare/threads/worker'

/** What entries share: these modules, and all that they import. The reporter loads the first alone. */
const SHARED = {
  base: ['reporters/run-dirs', 'reporters/spool', 'reporters/summary', 'reporters/publish', 'snapshots/obsolete'],
  match: ['matchers', 'runner/test', 'dumps/lazy-dumps'],
}

rmSync(out, { recursive: true, force: true })
declare()
await bundle('esm', ENTRIES, SHARED)
await bundle('cjs', ENTRIES, SHARED)
await bundle('cjs', [WORKER], {})
writeFileSync(join(out, 'cjs/package.json'), '{ "type": "commonjs" }\n')

function declare() {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
  const args = ['-p', 'tsconfig.build.json', '--outDir', join(out, 'esm')]
  execFileSync(process.execPath, [tsc, ...args], { cwd: root, stdio: 'inherit' })
  // The same text: what kind of modules it declares is for the package.json beside it to say.
  cpSync(join(out, 'esm'), join(out, 'cjs'), { recursive: true })
}

/** Readable code, for stack traces; without comments, which are in `src`. */
function bundle(format, names, shared) {
  const groups = Object.entries(shared).map(([name, modules]) => ({
    name,
    test: (id) => modules.some((module) => id === join(root, 'src', `${module}.ts`)),
  }))
  return build({
    cwd: root,
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    platform: 'node',
    external: (id) => !id.startsWith('.') && !isAbsolute(id) && !id.startsWith('src/'),
    output: {
      dir: join(out, format),
      format,
      strict: true,
      esModule: true,
      exports: 'named',
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
      codeSplitting: { groups },
      comments: { legal: true, annotation: true, jsdoc: false },
    },
  })
}
