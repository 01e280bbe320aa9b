import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { beforeAll, describe, expect, test } from 'vitest'
import { compareDumps, logitsOf } from '../src/index.js'
import { logits } from './build/logits.js'
import { builtDist } from './io/built.js'

type Matcher = (this: object, ...args: unknown[]) => { pass: boolean; message: () => string }
interface Browser {
  compareDumps: typeof compareDumps
  logitsOf: typeof logitsOf
}

const warnings: string[] = []
let browser: Browser
let matchers: Record<string, Matcher>

/** Runs the built entry with what a browser has: no `require` of Node's modules, no `process`, no `Buffer`. */
beforeAll(() => {
  const text = readFileSync(join(builtDist(), 'cjs/browser.js'), 'utf8')
  const require = (name: string) => {
    if (name !== 'vitest') throw new Error(`a browser has no module '${name}'`)
    return { expect: { extend: (all: typeof matchers) => Object.assign(matchers, all) } }
  }
  matchers = {}
  const module = { exports: {} }
  const console = { warn: (line: string) => warnings.push(line) }
  runInContext(text, createContext({ module, exports: module.exports, require, atob, console, self: {} }))
  browser = module.exports as Browser
})

const rows = (...seeds: number[]) => seeds.map((seed) => Float32Array.from(logits(seed, 300)))

test('the entry for browsers is one file that imports only Vitest', () => {
  for (const half of ['esm', 'cjs']) {
    const text = readFileSync(join(builtDist(), half, 'browser.js'), 'utf8')
    const imports = [...text.matchAll(/(?:\bfrom|^import|\brequire\(|\bimport\()\s*["']([\w@./:-]+)["']/gm)]
    expect(imports.map(([, name]) => name)).toEqual(['vitest'])
  }
})

describe('without Node', () => {
  test('a comparison gives what it gives in Node', () => {
    const golden = rows(1, 2, 3)
    golden[1]![7] = Number.NEGATIVE_INFINITY
    const dump = golden.map((row) => row.map((logit) => Math.round(4 * logit) / 4))
    const inNode = compareDumps(logitsOf(dump), logitsOf(golden), { dtype: 'fp16' })
    const inBrowser = browser.compareDumps(browser.logitsOf(dump), browser.logitsOf(golden), { dtype: 'fp16' })
    expect(JSON.parse(JSON.stringify(inBrowser))).toEqual(JSON.parse(JSON.stringify(inNode)))
    expect(inNode.counts).toMatchObject({ total: 3, compared: 3 })
  })

  test('the matchers pass and fail with the same message', () => {
    const { toMatchGoldenLogits, toReproduceLogits } = matchers as { [name: string]: Matcher } & typeof matchers
    const golden = browser.logitsOf(rows(1, 2))
    const equal = { dtype: 'bf16', identical: 'allow' }
    expect(toMatchGoldenLogits!.call({}, browser.logitsOf(rows(1, 2)), golden, equal).pass).toBe(true)
    expect(toReproduceLogits!.call({}, browser.logitsOf(rows(1, 2)), golden).pass).toBe(true)
    const failed = toMatchGoldenLogits!.call({}, browser.logitsOf(rows(1, 3)), golden, { dtype: 'bf16' })
    expect(failed.pass).toBe(false)
    expect(failed.message()).toMatch(/First token over threshold: token 1 {5}\(2 tokens compared, 1 over, 0 missing\)/)
    expect(failed.message()).toContain('  golden  in memory  float32 [1, 300]\n  dump    in memory  float32 [1, 300]')
    expect(toReproduceLogits!.call({}, browser.logitsOf(rows(1, 3)), golden).pass).toBe(false)
  })

  test('warnings are printed to the console', () => {
    const golden = browser.logitsOf(rows(1))
    expect(matchers.toMatchGoldenLogits!.call({}, golden, golden).pass).toBe(true)
    expect(warnings).toEqual([
      expect.stringMatching(/^golden-logits: warning: token 0: golden and dump are the same memory/),
    ])
  })

  test('what needs files is refused in one sentence', () => {
    const path = () => matchers.toMatchGoldenLogits!.call({}, 'dumps/npu', browser.logitsOf(rows(1)))
    expect(path).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: 'a browser has no files, so no dump can be loaded from a path; fetch the logits and pass logitsOf(…)',
      }),
    )
    expect(() => matchers.toMatchLogitsSnapshot!.call({}, browser.logitsOf(rows(1)))).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message:
          'toMatchLogitsSnapshot: a browser has no files, so no snapshot can be kept; run this test in Node, or use toMatchGoldenLogits',
      }),
    )
  })
})
