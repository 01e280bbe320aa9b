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
    expect(loaded(entry)).toEqual(['base.js', 'match.js', entry].sort())
  }
  expect(loaded('index.js')).toEqual(['base.js', 'index.js', 'match.js'])
  expect(loaded('reporter.js')).toEqual(['base.js', 'page.js', 'reporter.js'])
})

test('a worker thread loads what measures, by itself, and neither dumps nor matchers', () => {
  const file = 'cjs/measure/threads/worker.js'
  expect(loadedWith(file)).toEqual([file])
  expect(readFileSync(join(dist, file), 'utf8')).not.toMatch(/toMatchGoldenLogits|msit_dump|reporters/)
})

test('the reporter loads no matchers', () => {
  expect(readFileSync(join(dist, 'cjs/base.js'), 'utf8')).not.toMatch(/toMatchGoldenLogits|msit_dump/)
})

test.each(['esm', 'cjs'])('what the %s half loads needs neither node:crypto nor a library', (half) => {
  for (const file of ['base.js', 'match.js', 'vitest.js', 'matchers.js', 'index.js']) {
    const code = readFileSync(join(dist, half, file), 'utf8')
    expect(code).not.toMatch(/(?:from |import |= require\()"(?:(?:node:)?crypto|glob|fflate)"/)
  }
})
