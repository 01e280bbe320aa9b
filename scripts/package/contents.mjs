import { deepEqual, equal, ok } from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from '../lib/project.mjs'

/** What the tarball may hold: nothing else gets into it unseen. */
const ALLOWED = [
  /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/cjs\/package\.json)$/,
  /^dist\/(?:esm|cjs)\/(?:[\w.-]+\/)*[\w.-]+(?:\.js|\.d\.ts)$/,
  /^src\/(?:[\w.-]+\/)*[\w.-]+\.ts$/,
]
const NEVER = /(?:^|\/)(?:test|tests|fixtures|bench|coverage|node_modules|\.[\w.-]+)(?:\/|$)|\.test\.|\.tgz$/
const MOST_CODE_FILES = 12
const SIZE = { packed: 500_000, unpacked: 2_500_000 }

/** @param packed what `npm pack` says it packed @param {string} installed the folder that it unpacked to */
export function checkContents(packed, installed) {
  const paths = packed.files.map(({ path }) => path)
  const strays = paths.filter((path) => NEVER.test(path) || !ALLOWED.some((pattern) => pattern.test(path)))
  deepEqual(strays, [], 'files that do not belong into the package')
  const sources = paths
    .filter((path) => /^src\/.*(?<!\.d)\.ts$/.test(path))
    .map((path) => path.slice(4, -3))
    .sort()
  for (const half of ['esm', 'cjs']) {
    const names = halves(paths, half)
    const declared = names
      .filter((name) => name.endsWith('.d.ts'))
      .map((name) => name.slice(0, -5))
      .sort()
    deepEqual(declared, sources, `${half} declares every source and nothing else`)
    const code = names.filter((name) => name.endsWith('.js'))
    ok(code.length <= MOST_CODE_FILES, `${half} has ${code.length} files of code, each of which takes time to load`)
  }
  ok(packed.size <= SIZE.packed, `packed it has ${packed.size} bytes, at most ${SIZE.packed} are allowed`)
  ok(packed.unpackedSize <= SIZE.unpacked, `it has ${packed.unpackedSize} bytes, at most ${SIZE.unpacked} are allowed`)
  checkPaths(installed, paths)
  return `${paths.length} files, ${Math.round(packed.size / 1024)} KiB packed, ${Math.round(packed.unpackedSize / 1024)} KiB unpacked`
}

function halves(paths, half) {
  const prefix = `dist/${half}/`
  const names = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length))
  return names.filter((name) => name !== 'package.json').sort()
}

/** No text of the package names a folder of the machine that built it. */
function checkPaths(installed, paths) {
  const folders = [ROOT, dirname(ROOT), homedir()].filter((folder) => folder.length > 1)
  const naming = paths.filter((path) => {
    const text = readFileSync(join(installed, path), 'utf8')
    return folders.some((folder) => text.includes(`${folder}/`) || text.includes(`${folder}\\`))
  })
  deepEqual(naming, [], 'files that name a folder of this machine')
}

/** Every entry's files are there, in the conditions' right order; types before code. */
export function checkManifest(installed) {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  const { exports, bin = {}, main, types, dependencies = {} } = manifest
  for (const [entry, target] of Object.entries(exports)) {
    if (entry === './package.json') continue
    deepEqual(Object.keys(target), ['import', 'require'], `${entry}: its conditions`)
    for (const [condition, half] of Object.entries({ import: 'esm', require: 'cjs' })) {
      deepEqual(Object.keys(target[condition]), ['types', 'default'], `${entry}, ${condition}: types come first`)
      const code = target[condition].default
      ok(code.startsWith(`./dist/${half}/`), `${entry}, ${condition}: ${code} is of the other half`)
      equal(target[condition].types, code.replace(/\.js$/, '.d.ts'), `${entry}, ${condition}: its types`)
      for (const file of Object.values(target[condition])) ok(existsSync(join(installed, file)), `${file} is missing`)
    }
  }
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
