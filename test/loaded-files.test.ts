import { readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { expect, test } from 'vitest'
import { builtDist } from './io/built.js'

const dist = builtDist()

/** The files of the package that are loaded with one, itself included. */
function loadedWith(file: string, found = new Set<string>()): string[] {
  if (!found.has(file)) {
    found.add(file)
    const code = readFileSync(join(dist, file), 'utf8')
    for (const [, path] of code.matchAll(/(?:\bfrom |\bimport |\brequire\()"(\.[^"]+)"/g)) {
      loadedWith(join(dirname(file), path!), found)
    }
  }
  return [...found].map((name) => name.replaceAll(sep, '/')).sort()
}

// Each file more is about a millisecond of every test file, and of the start of every worker.
test.each(['esm', 'cjs'])('the entries of the %s half load few files', (half) => {
  const loaded = (entry: string) => loadedWith(join(half, entry)).map((name) => relative(half, name))
  for (const entry of ['vitest.js', 'jest.js', 'matchers.js']) {
    expect(loaded(entry)).toEqual(['match.js', 'measure.js', 'report.js', entry].sort())
  }
  expect(loaded('index.js')).toEqual(['index.js', 'match.js', 'measure.js', 'report.js'])
  expect(loaded('reporter.js')).toEqual(['measure.js', 'report.js', 'reporter.js'])
})

test('a worker thread loads what measures, and neither dumps nor matchers', () => {
  expect(loadedWith(join('cjs', 'compare/threads/worker.js'))).toEqual([
    'cjs/compare/threads/worker.js',
    'cjs/measure.js',
  ])
  expect(readFileSync(join(dist, 'cjs/measure.js'), 'utf8')).not.toMatch(/toMatchGoldenLogits|msit_dump/)
})
