import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, resolve, sep } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')

/** The folders of `src`, in the order of imports: a folder imports only itself and what stands on an earlier line. */
const ORDER: readonly (readonly string[])[] = [
  ['errors'],
  ['lib'],
  ['tensor', 'runner'],
  ['io'],
  ['formats', 'metrics'],
  ['dumps'],
  ['measure'],
  ['compare'],
  ['snapshots'],
  ['report'],
  ['reporters'],
  ['matchers', 'cli'],
  ['browser'],
]
/** Folders that may import even less. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  metrics: ['errors', 'lib', 'tensor'],
  runner: ['errors', 'lib'],
}
const ENTRIES = ['index.ts', 'vitest.ts', 'jest.ts', 'browser.ts', 'matchers.ts', 'reporter.ts', 'cli.ts']
const MOST_LINES = 300

interface Import {
  from: string
  /** A file of `src` if relative, else the package or module of Node. */
  to: string
  line: string
}

const files = sourceFiles('src')
const imports = files.flatMap(importsOf)
const inner = imports.filter(({ to }) => files.includes(to))
const outer = imports.filter(({ to }) => !files.includes(to))

function sourceFiles(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.ts')).map((name) => name.split(sep).join('/'))
}

/** All imports, re-exports, `import('…')` (of types too) and `require('…')` of a file. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8')
  const matches = text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*['"]([\w.@][^'"\s]*)['"]/g)
  return [...matches].map(([match, specifier]) => ({
    from: file,
    to: specifier!.startsWith('.') ? posix.join(posix.dirname(file), specifier!).replace(/\.js$/, '.ts') : specifier!,
    line: `${file}: ${match}`,
  }))
}

/** The folder of a file; `errors` for errors.ts, `undefined` for an entry. */
function folderOf(file: string): string | undefined {
  if (file === 'errors.ts') return 'errors'
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : undefined
}

function levelOf(folder: string): number {
  return ORDER.findIndex((level) => level.includes(folder))
}

function mayImport(from: string, to: string): boolean {
  const [source, target] = [folderOf(from), folderOf(to)]
  // Entries import anything, and only an entry imports an entry.
  if (source === undefined) return true
  if (target === undefined) return false
  if (source === target) return true
  if (target === 'runner') return mayImportRunner(from)
  return ONLY[source]?.includes(target) ?? levelOf(target) < levelOf(source)
}

/** measure/threads/ needs the number of workers that the test runner starts. */
function mayImportRunner(file: string): boolean {
  return ['snapshots', 'reporters', 'matchers'].includes(folderOf(file)!) || file.startsWith('measure/threads/')
}

test('every relative import leads to a file of src', () => {
  expect(inner.length).toBeGreaterThan(200)
  expect(outer.filter(({ line }) => /['"]\./.test(line)).map(({ line }) => line)).toEqual([])
})

test('src holds the entries, errors.ts, and folders with a place in the order', () => {
  const atTop = files.filter((file) => !file.includes('/'))
  expect(atTop.sort()).toEqual([...ENTRIES, 'errors.ts'].sort())
  const folders = new Set(files.map(folderOf).filter((folder) => folder !== undefined))
  expect([...folders].filter((folder) => levelOf(folder) < 0)).toEqual([])
})

test('imports point one way', () => {
  expect(inner.filter(({ from, to }) => !mayImport(from, to)).map(({ line }) => line)).toEqual([])
})

test('files do not import each other in a circle, not even for types', () => {
  const targets = new Map(files.map((file) => [file, inner.filter(({ from }) => from === file).map(({ to }) => to)]))
  const circles = stronglyConnected(targets).map((component) => circleIn(component, targets))
  expect(circles).toEqual([])
})

test('compare/ reads no files and knows no threads', () => {
  const wrong = imports.filter(
    ({ from, to }) =>
      folderOf(from) === 'compare' &&
      (/^(?:node:)?(?:fs|worker_threads)(?:\/|$)/.test(to) || /(?:^|\/)threads\//.test(to)),
  )
  expect(wrong.map(({ line }) => line)).toEqual([])
})

test('only the entries import a test runner', () => {
  const runners = outer.filter(({ to }) => /^(?:vitest|expect|jest|@jest|@vitest)\b/.test(to))
  expect(runners.length).toBeGreaterThan(0)
  expect(runners.filter(({ from }) => folderOf(from) !== undefined).map(({ line }) => line)).toEqual([])
})

test('package.json declares every package that src imports', () => {
  const { dependencies, peerDependencies, devDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  )
  // The build contains these packages.
  const bundled = Object.keys(devDependencies).filter((name) => name.startsWith('d3-'))
  const declared = [...Object.keys(dependencies), ...Object.keys(peerDependencies), ...bundled]
  const isDeclared = (name: string) =>
    name.startsWith('node:') || declared.some((known) => name === known || name.startsWith(`${known}/`))
  expect(outer.some(({ to }) => to === 'glob')).toBe(true)
  expect(outer.filter(({ to }) => !isDeclared(to)).map(({ line }) => line)).toEqual([])
})

describe('no file is long', () => {
  test.each(['src', 'kernel'])('in %s', (folder) => {
    const long = sourceFiles(folder)
      .filter((file) => !file.endsWith('.generated.ts'))
      .map((file) => ({
        file,
        lines: readFileSync(join(ROOT, folder, file), 'utf8')
          .trimEnd()
          .split('\n').length,
      }))
      .filter(({ lines }) => lines > MOST_LINES)
    expect(long).toEqual([])
  })
})

/** The strongly connected components of more than one file, or of one that imports itself (Tarjan's algorithm). */
function stronglyConnected(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const components: string[][] = []
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const visit = (file: string): void => {
    index.set(file, index.size)
    low.set(file, index.get(file)!)
    stack.push(file)
    for (const target of targets.get(file)!) {
      if (!index.has(target)) visit(target)
      if (stack.includes(target)) low.set(file, Math.min(low.get(file)!, low.get(target)!))
    }
    if (low.get(file) !== index.get(file)) return
    const component = stack.splice(stack.indexOf(file))
    if (component.length > 1 || targets.get(file)!.includes(file)) components.push(component)
  }
  for (const file of targets.keys()) if (!index.has(file)) visit(file)
  return components
}

/** A shortest circle through the first file of a component, as `a.ts -> b.ts -> a.ts`. */
function circleIn([start]: readonly string[], targets: ReadonlyMap<string, readonly string[]>): string {
  const paths: string[][] = [[start!]]
  const seen = new Set<string>()
  for (const path of paths) {
    for (const target of targets.get(path.at(-1)!)!) {
      if (target === start) return [...path, start].join(' -> ')
      if (!seen.has(target)) paths.push([...path, target])
      seen.add(target)
    }
  }
  throw new Error('a component without a circle')
}
