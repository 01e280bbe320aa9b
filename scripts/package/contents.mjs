import { deepEqual, equal, ok } from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from '../lib/project.mjs'

/** The only files that the tarball may contain. */
const ALLOWED = [
  /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|report\.schema\.json|dist\/cjs\/package\.json)$/,
  /^dist\/(?:esm|cjs)\/(?:[\w.-]+\/)*[\w.-]+(?:\.js|\.d\.ts)$/,
  /^docs\/[\w-]+\.md$/,
  /^examples\/collect\/(?:README\.md|\w+\.(?:py|ts))$/,
]
const NEVER = /(?:^|\/)(?:test|tests|fixtures|bench|coverage|node_modules|\.[\w.-]+)(?:\/|$)|\.test\.|\.tgz$/
const MOST_CODE_FILES = 12
const SIZE = { packed: 1_250_000, unpacked: 4_650_000 }

/** @param packed the JSON that `npm pack` prints @param {string} installed the installed package's folder */
export function checkContents(packed, installed) {
  const paths = packed.files.map(({ path }) => path)
  const strays = paths.filter((path) => NEVER.test(path) || !ALLOWED.some((pattern) => pattern.test(path)))
  deepEqual(strays, [], 'files that do not belong in the package')
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /(?<!\.d)\.ts$/.test(path))
    .map((path) => path.slice(0, -3))
    .sort()
  for (const half of ['esm', 'cjs']) {
    const names = halves(paths, half)
    const declared = names
      .filter((name) => name.endsWith('.d.ts'))
      .map((name) => name.slice(0, -5))
      .sort()
    deepEqual(declared, sources, `${half} has a declaration for every source file and no others`)
    const code = names.filter((name) => name.endsWith('.js'))
    ok(code.length <= MOST_CODE_FILES, `${half} has ${code.length} files of code, each of which takes time to load`)
  }
  ok(packed.size <= SIZE.packed, `the tarball has ${packed.size} bytes, at most ${SIZE.packed} are allowed`)
  ok(
    packed.unpackedSize <= SIZE.unpacked,
    `the unpacked package has ${packed.unpackedSize} bytes, at most ${SIZE.unpacked} are allowed`,
  )
  checkPaths(installed, paths)
  return `${paths.length} files, ${Math.round(packed.size / 1024)} KiB packed, ${Math.round(packed.unpackedSize / 1024)} KiB unpacked`
}

function halves(paths, half) {
  const prefix = `dist/${half}/`
  const names = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length))
  return names.filter((name) => name !== 'package.json').sort()
}

/** No file of the package contains a path of the machine that built it. */
function checkPaths(installed, paths) {
  const folders = [ROOT, dirname(ROOT), homedir()].filter((folder) => folder.length > 1)
  const naming = paths.filter((path) => {
    const text = readFileSync(join(installed, path), 'utf8')
    return folders.some((folder) => text.includes(`${folder}/`) || text.includes(`${folder}\\`))
  })
  deepEqual(naming, [], 'files that contain a path of this machine')
}

/** Checks that the files of every entry exist and that conditions are in the right order: types before code. */
export function checkManifest(installed) {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  const { exports, bin = {}, main, types, dependencies = {} } = manifest
  for (const [entry, target] of Object.entries(exports)) {
    // Data: the same file for `import` and `require`.
    if (entry.endsWith('.json')) {
      ok(existsSync(join(installed, target)), `${target} is missing`)
      continue
    }
    deepEqual(Object.keys(target), ['import', 'require'], `${entry}: its conditions`)
    for (const [condition, half] of Object.entries({ import: 'esm', require: 'cjs' })) {
      deepEqual(Object.keys(target[condition]), ['types', 'default'], `${entry}, ${condition}: types come first`)
      const code = target[condition].default
      ok(code.startsWith(`./dist/${half}/`), `${entry}, ${condition}: ${code} has the wrong module system`)
      equal(target[condition].types, code.replace(/\.js$/, '.d.ts'), `${entry}, ${condition}: its types`)
      for (const file of Object.values(target[condition])) ok(existsSync(join(installed, file)), `${file} is missing`)
    }
  }
  const subpaths = Object.keys(exports).filter((entry) => entry !== '.' && !entry.endsWith('.json'))
  deepEqual(
    manifest.typesVersions,
    { '*': Object.fromEntries(subpaths.map((entry) => [entry.slice(2), [exports[entry].require.types]])) },
    'typesVersions: the types of each entry for moduleResolution node10, which knows no exports',
  )
  equal(main, exports['.'].require.default, 'main')
  equal(types, exports['.'].require.types, 'types')
  for (const file of Object.values(bin)) {
    ok(readFileSync(join(installed, file), 'utf8').startsWith('#!/usr/bin/env node\n'), `${file} starts with #!`)
  }
  deepEqual(
    unlisted(installed, { ...dependencies, ...manifest.peerDependencies }),
    [],
    'imports of undeclared packages',
  )
  return Object.keys(exports).join(' ')
}

/** Packages that the built code or its types import without declaring them. */
function unlisted(installed, declared) {
  const dist = join(installed, 'dist')
  const imports = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:js|d\.ts)$/.test(file))
    .flatMap((file) => [
      ...readFileSync(join(dist, file), 'utf8').matchAll(
        /(?:\bfrom|^import|\brequire\(|\bimport\()\s*["']([@\w][\w@/.:-]*)["']/gm,
      ),
    ])
    .map(([, name]) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
  return [...new Set(imports)].filter((name) => !isBuiltin(name) && !(name in declared))
}
