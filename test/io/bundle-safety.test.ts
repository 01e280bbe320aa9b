import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { builtDist } from './built.js'

/** Modules of Node that cannot run another program or use the network. */
const HARMLESS = [
  ...['assert', 'async_hooks', 'buffer', 'crypto', 'events', 'fs', 'fs/promises', 'module', 'os', 'path', 'perf_hooks'],
  ...['process', 'readline', 'stream', 'string_decoder', 'timers', 'url', 'util', 'worker_threads', 'zlib'],
]

const dist = builtDist()
const files = ['esm', 'cjs'].flatMap((half) =>
  readdirSync(join(dist, half), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cm]?js$/.test(name))
    .map((name) => join(dist, half, name)),
)
const sources = files.map((file) => ({
  file: relative(dist, file),
  code: withoutComments(readFileSync(file, 'utf8')),
}))

/** Removes the comments that the build leaves. Other comments are kept, since they may be part of a string. */
function withoutComments(code: string): string {
  return code.replaceAll('/* @__PURE__ */', '').replace(/^\/\/ src\/.*$/gm, '')
}

/** The modules that a file imports or requires. */
function modulesOf(code: string): string[] {
  const pattern =
    /(?:\bfrom|^\s*import|\bimport\s*\(|\brequire\s*\(|\bgetBuiltinModule\s*\()\s*(['"]|(?<=\()`)([\w@./:-]+)\1/gm
  return [...code.matchAll(pattern)].map(([, , name]) => name!)
}

/** The matches of a pattern, as lines of `file: code`. */
function found(pattern: RegExp): string[] {
  return sources.flatMap(({ file, code }) => [...code.matchAll(pattern)].map(([text]) => `${file}: ${text}`))
}

test('both builds of the package are checked', () => {
  for (const half of ['esm', 'cjs']) {
    const code = sources.flatMap(({ file, code }) => (file.startsWith(half) ? [code] : []))
    for (const part of ['disallowed-global', 'toMatchLogitsSnapshot', 'GOLDEN_LOGITS_RUN_DIR', 'golden-logits merge']) {
      expect(code.join('\n')).toContain(part)
    }
  }
})

describe('the built package does not run data as code', () => {
  test.each<[string, RegExp]>([
    ['eval', /\beval\s*\(|\beval\b(?!\s*:)/g],
    // A class that makes another of its kind is no constructor of functions.
    [
      'the Function constructor',
      /\bFunction\s*\(|\bnew\s+Function\b|\bAsyncFunction\b|(?<!new this)\.constructor\s*\(/g,
    ],
    ['timers of text', /\bset(?:Timeout|Interval|Immediate)\s*\(\s*['"`]/g],
    ['bindings of Node', /process\s*\.\s*(?:binding|dlopen|_linkedBinding)/g],
    ['modules of a computed name', /\b(?:import|require|getBuiltinModule)\s*\(\s*(?!['"`][\w@./:-]+['"`]\s*\))/g],
  ])('by %s', (_, pattern) => {
    expect(found(pattern)).toEqual([])
  })

  test('except workers, whose code is a constant of the package', () => {
    // `eval: true` runs a string in a Worker: it must be a name, not the result of an expression.
    const workers = found(/new Worker\s*\([^)]*\)/g).filter((text) => text.includes('eval'))
    expect(workers.filter((text) => !/new Worker\s*\(\s*[A-Za-z_$][\w$.]*\s*,/.test(text))).toEqual([])
  })
})

test('the built package uses no network and starts no other program', () => {
  expect(found(/\b(?:fetch|XMLHttpRequest|WebSocket|EventSource)\s*\(/g)).toEqual([])
  const modules = new Set(sources.flatMap(({ code }) => modulesOf(code)))
  const outer = [...modules].filter((name) => !name.startsWith('.'))
  const builtin = outer.filter((name) => name.startsWith('node:') || builtinModules.includes(name))
  expect(builtin.map((name) => name.replace(/^node:/, '')).filter((name) => !HARMLESS.includes(name))).toEqual([])
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>
  const declared = Object.keys({ ...dependencies, ...peerDependencies })
  const packages = outer.filter((name) => !builtin.includes(name))
  const packageOf = (name: string) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')
  expect(packages.filter((name) => !declared.includes(packageOf(name)))).toEqual([])
})

test('the readers use only files, paths and bytes', () => {
  const src = join(import.meta.dirname, '../../src')
  const readers = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^(?:io|formats|tensor)[\\/].*\.ts$/.test(name),
  )
  expect(readers.length).toBeGreaterThan(30)
  const modules = readers.flatMap((name) => modulesOf(readFileSync(join(src, name), 'utf8')))
  expect([...new Set(modules)].filter((name) => !name.startsWith('.')).sort()).toEqual([
    'node:fs',
    'node:util',
    'node:zlib',
  ])
})
