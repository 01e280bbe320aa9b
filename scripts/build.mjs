// `npm run build` builds the package into dist/ (or into the folder given): tsc writes one declaration file per module;
// rolldown bundles the code into a few files, because loading one file per module took most of the time of a first
// comparison. Vitest loads the ES modules, Jest the CommonJS files.
// `npm run build -- kernel` compiles kernel/ to WebAssembly instead, with `--check` only compares.
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join } from 'node:path'
import { build } from 'rolldown'

const require = createRequire(import.meta.url)
if (process.argv[2] === 'kernel') {
  await import('./build-kernel.mjs')
  process.exit()
}

const root = join(import.meta.dirname, '..')
const out = process.argv[2] ?? join(root, 'dist')

const ENTRIES = ['index', 'vitest', 'jest', 'matchers', 'reporter', 'cli']

/** The entry for browsers: one file without modules of Node. */
const BROWSER = 'browser'

/** The modules that need Node, and what stands in for them in a browser. */
const STAND_INS = {
  'compare/calibration/file': 'browser/calibration-file',
  'dumps/load': 'browser/load',
  'dumps/steps-in-file': 'browser/steps-in-file',
  'measure/linked-files': 'browser/linked-files',
  'measure/measure-all': 'browser/measure-all',
  'reporters/recorder': 'browser/recorder',
  'matchers/call': 'browser/call',
  'matchers/layer-hint': 'browser/layer-hint',
}

/** The programs of worker threads: of each one CommonJS file with only the code that it needs, which starts faster. */
const WORKERS = ['measure/threads/worker', 'snapshots/worker']

/** Packages whose code is in the build: they are ES modules only, and of many files. Their licence is in LICENSE. */
const BUNDLED = /^(?:d3-[\w-]+|internmap)$/

/** Code that several entries share: these modules and everything they import. The reporter loads only `base`. */
const SHARED = {
  base: [
    'lib/check-options',
    'lib/file-path',
    'lib/group-by',
    'reporters/run-dirs',
    'reporters/spool',
    'reporters/spool-file',
    'reporters/summary',
    'reporters/publish',
    'runner/jest-project',
    'snapshots/obsolete',
  ],
  page: ['report/texts', 'reporters/text-report'],
  match: [
    'matchers',
    'compare/calibration/calibrate',
    'compare/calibration/text',
    'runner/test',
    'reporters/recorded-load',
    'formats/read-tensors',
  ],
}

rmSync(out, { recursive: true, force: true })
declare()
await bundle('esm', ENTRIES, SHARED)
await bundle('cjs', ENTRIES, SHARED)
for (const format of ['esm', 'cjs']) await bundle(format, [BROWSER], {}, { platform: 'browser', plugins: [standIns()] })
// Minified, as nobody reads it: the main thread meets every error itself, and no stack trace of a worker is shown.
for (const worker of WORKERS)
  await bundle('cjs', [worker], {}, { minify: { compress: false, mangle: true, codegen: true } })
writeFileSync(join(out, 'cjs/package.json'), '{ "type": "commonjs" }\n')

function declare() {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
  const args = ['-p', 'tsconfig.build.json', '--outDir', join(out, 'esm')]
  execFileSync(process.execPath, [tsc, ...args], { cwd: root, stdio: 'inherit' })
  // The same declarations: the package.json beside them sets the module system.
  cpSync(join(out, 'esm'), join(out, 'cjs'), { recursive: true })
}

/** The code stays readable, for stack traces. Comments are left out; the declarations keep the comments of public names. */
function bundle(format, names, shared, { minify = false, platform = 'node', plugins = [] } = {}) {
  const groups = Object.entries(shared).map(([name, modules]) => ({
    name,
    test: (id) => modules.some((module) => id === join(root, 'src', `${module}.ts`)),
  }))
  return build({
    cwd: root,
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    platform,
    plugins,
    external: (id, importer) => {
      if (platform === 'browser' && id.startsWith('node:')) {
        throw new Error(`${importer} imports ${id}, which browsers do not have; add a module to STAND_INS`)
      }
      return !id.startsWith('.') && !isAbsolute(id) && !id.startsWith('src/') && !BUNDLED.test(id)
    },
    output: {
      dir: join(out, format),
      format,
      strict: true,
      esModule: true,
      exports: 'named',
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
      codeSplitting: { groups },
      minify,
      comments: { legal: true, annotation: true, jsdoc: false },
    },
  })
}

/** Replaces the modules of `STAND_INS`. */
function standIns() {
  const src = join(root, 'src')
  const targets = new Map(Object.entries(STAND_INS).map(([from, to]) => [join(src, from), join(src, `${to}.ts`)]))
  return {
    name: 'stand-ins',
    resolveId(id, importer) {
      return importer && id.startsWith('.') ? targets.get(join(dirname(importer), id).replace(/\.js$/, '')) : undefined
    },
  }
}
