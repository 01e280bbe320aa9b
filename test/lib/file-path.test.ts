import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { compareDumps, lazyDumps, loadDump, readTensors } from '../../src/index.js'
import { startedFrom } from '../../src/lib/file-path.js'
import '../../src/vitest.js'
import { tree } from '../fixtures/trees.js'
import { refusalOf } from '../formats/build/refusal.js'

const MY = tree('a_clean_f32_vs_f16', 'my')
const GOLDEN = tree('a_clean_f32_vs_f16', 'golden')
const [my, golden] = [pathToFileURL(MY), pathToFileURL(GOLDEN)]

function refused(call: () => unknown, code: string, text: string): void {
  const error = refusalOf(call)
  expect(error.code).toBe(code)
  expect(error.message).toContain(text)
}

test('a URL is accepted wherever a path is', () => {
  expect(loadDump(my).path).toBe(MY)
  expect([...loadDump(my).steps]).toEqual([...loadDump(MY).steps])
  expect(compareDumps(my, golden, { dtype: 'bf16' }).counts.passed).toBe(12)
  expect(my).toMatchGoldenLogits(golden, { dtype: 'bf16' })
  const file = loadDump(MY).steps.at(0)!.files[0]!
  expect(readTensors(pathToFileURL(file))[0]!.shape).toEqual(readTensors(file)[0]!.shape)
  const dumps = lazyDumps({ my, golden: { path: golden, firstStep: 1 } })
  expect([dumps.my.path, dumps.golden.path, dumps.golden.steps.at(0)!.step]).toEqual([MY, GOLDEN, 1])
})

test('a URL with characters that URLs escape', () => {
  const url = pathToFileURL(resolve('no such folder/größe%20#1'))
  expect(url.href).toContain('gr%C3%B6%C3%9Fe%2520%231')
  refused(() => loadDump(url), 'file-not-found', resolve('no such folder/größe%20#1'))
})

test.each<[string, () => unknown]>([
  ['loadDump', () => loadDump(new URL('https://host/dump'))],
  ['readTensors', () => readTensors(new URL('https://host/dump'))],
  ['a matcher', () => expect(MY).toMatchGoldenLogits(new URL('https://host/dump'))],
  ['compareDumps', () => compareDumps(new URL('https://host/dump'), GOLDEN)],
])('%s refuses a URL that is no file', (_, call) => {
  const text = "the URL 'https://host/dump' names no file of this machine, expected a URL with file:///"
  refused(call, 'invalid-argument', text)
})

test('the text of a URL is refused with what to pass instead', () => {
  const text = "'file:///data/dump' is the text of a URL, expected a path or a URL object: new URL(…)"
  refused(() => loadDump('file:///data/dump'), 'invalid-argument', text)
})

test('an error about a relative path names the place where it looked, and where it started', () => {
  const place = `; looked for ${resolve('no/dump')}, relative to the working directory ${process.cwd()}`
  refused(() => loadDump('no/dump'), 'file-not-found', `no/dump: there is no such file or folder${place}`)
  refused(() => readTensors('no/dump'), 'file-not-found', `no/dump: there is no such file${place}`)
  const pattern = `the pattern matches no file or folder; looked for ${resolve('src/no_*')}, relative to the working directory ${process.cwd()}; the folder ${resolve('src')} exists, and nothing in it matches no_*`
  refused(() => loadDump('src/no_*'), 'nothing-to-compare', pattern)
  expect(startedFrom(resolve('no/dump'))).toBe('')
})
