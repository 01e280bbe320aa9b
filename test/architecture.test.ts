import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { expect, test } from 'vitest'

const SRC = resolve(import.meta.dirname, '../src')

/** What each folder of `src` may import, besides itself. Everything may import `errors` and `lib`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  runner: [],
  tensor: [],
  io: ['tensor'],
  formats: ['io', 'tensor'],
  metrics: ['tensor'],
  dumps: ['formats', 'metrics', 'io', 'tensor'],
  compare: ['dumps', 'formats', 'metrics', 'io', 'tensor'],
  snapshots: ['runner', 'compare', 'dumps', 'formats', 'metrics', 'io', 'tensor'],
  report: ['compare', 'dumps', 'metrics', 'tensor'],
  // Reporters write down what matchers measured, and know no matcher.
  reporters: ['runner', 'snapshots', 'report', 'compare', 'dumps', 'io', 'tensor'],
  matchers: ['runner', 'reporters', 'snapshots', 'report', 'compare', 'dumps', 'io', 'tensor'],
  cli: ['reporters', 'snapshots', 'report', 'compare', 'dumps', 'io', 'tensor'],
}

interface Import {
  from: string
  to: string
  line: string
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))

/** The folder of a file of `src`; of one that lies in `src` itself, its name. */
function folderOf(file: string): string {
  return file.split(sep)[0]!.replace(/\.[jt]s$/, '')
}

function importsOf(file: string): { specifier: string; line: string }[] {
  const text = readFileSync(join(SRC, file), 'utf8')
  // `from '…'` of imports and re-exports, bare imports, and `import('…')`.
  const found = text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*['"]([\w.@][^'"\s]*)['"]/g)
  return [...found].map((match) => ({ specifier: match[1]!, line: `${file}: ${match[0]}` }))
}

const imports: Import[] = files.flatMap((file) =>
  importsOf(file)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, line }) => ({
      from: folderOf(file),
      to: folderOf(relative(SRC, resolve(SRC, dirname(file), specifier))),
      line,
    })),
)

test('imports point one way', () => {
  expect(imports.length).toBeGreaterThan(300)
  const isFolder = (name: string) => Object.hasOwn(MAY_IMPORT, name)
  expect(files.filter((file) => file.includes(sep) && !isFolder(folderOf(file)))).toEqual([])
  const wrong = imports.filter(({ from, to }) => {
    if (from === to || ['errors', 'lib'].includes(to)) return false
    // Entries and what lies beside them may import every folder, and no folder imports an entry.
    return isFolder(from) ? !MAY_IMPORT[from]!.includes(to) : !isFolder(to) && to !== 'matchers'
  })
  expect(wrong.map(({ line }) => line)).toEqual([])
})

test('nothing below the matchers and reporters knows a test runner', () => {
  const runner = /^(vitest|expect|jest|@jest|@vitest)\b/
  const lines = files.flatMap((file) => importsOf(file).filter(({ specifier }) => runner.test(specifier)))
  const knowing = lines.map(({ line }) => line.slice(0, line.indexOf(':')))
  expect(knowing.length).toBeGreaterThan(0)
  // Entries alone: whoever calls a matcher hands the runner's context in.
  expect(knowing.filter((file) => file.includes(sep))).toEqual([])
})

test('the package names every other package that it uses', () => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(SRC, '../package.json'), 'utf8'))
  const known = [...Object.keys(dependencies), ...Object.keys(peerDependencies)]
  const used = files.flatMap((file) => importsOf(file)).filter(({ specifier }) => !specifier.startsWith('.'))
  expect(used.some(({ specifier }) => specifier === 'glob')).toBe(true)
  const isKnown = (name: string) =>
    name.startsWith('node:') || known.some((k) => name === k || name.startsWith(`${k}/`))
  expect(used.filter(({ specifier }) => !isKnown(specifier)).map(({ line }) => line)).toEqual([])
})
