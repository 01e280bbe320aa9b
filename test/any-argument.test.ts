import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import * as api from '../src/index.js'
import * as matchers from '../src/matchers.js'
import * as reporter from '../src/reporter.js'
import { goldenRows, inMemory } from './build/noisy.js'
import { tree } from './fixtures/trees.js'
import { bin } from './formats/build/bin.js'
import { FOUR } from './formats/build/zip.js'

const dir = mkdtempSync(join(tmpdir(), 'golden-logits-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const file = join(dir, 'good.bin')
writeFileSync(file, bin({}, FOUR))

const my = tree('a_clean_f32_vs_f16', 'my')
const golden = tree('a_clean_f32_vs_f16', 'golden')
const dump = api.loadDump(my)
const step = dump.steps.at(0)!

/** Values of every type, and such as are nearly what is wanted. */
const VALUES: readonly unknown[] = [
  ...[
    undefined,
    null,
    true,
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1n,
    Symbol('x'),
    '',
    'x',
    '\0',
    '\ud800',
    '*',
    '[',
    '{a',
  ],
  ...[
    [],
    {},
    Object.create(null),
    () => 1,
    new Date(0),
    /x/,
    new Map(),
    new Set([1]),
    new Uint8Array(4),
    new Float32Array(2),
    Promise.resolve(1),
  ],
  ...[
    new Proxy({}, {}),
    Object.freeze({ a: 1 }),
    new URL('file:///x'),
    Buffer.from('x'),
    JSON.parse('{"__proto__": {"limits": 1}}'),
  ],
  ...[
    { limits: null },
    { limits: { elements: 1n } },
    { limits: { elements: Symbol('x') } },
    { limits: [] },
    { limits: { elements: -0 } },
  ],
  ...[
    { run: Object.create(null) },
    { layer: [] },
    { firstStep: '1' },
    { firstStep: Object.create(null) },
    { run: Symbol('x') },
  ],
  ...[
    { dtype: {} },
    { dtype: Object.create(null) },
    { thresholds: [] },
    { thresholds: { klDivergence: 1n } },
    { thresholds: { klDivergence: Object.create(null) } },
  ],
  ...[
    { steps: [Symbol('x')] },
    { steps: [Object.create(null)] },
    { steps: { from: 1n } },
    { steps: Object.create(null) },
    { vocabSize: 1n },
    { vocabSize: [] },
  ],
  ...[{ threads: {} }, { missing: Object.create(null) }, { missing: Symbol('x') }, { afterDivergence: [] }],
  ...[
    { path: 'x', steps: 5 },
    { path: 'x', steps: [] },
    { path: 'x', steps: [null] },
    { path: 'x', steps: [{}] },
    { path: 'x', steps: [step] },
  ],
  ...[
    { ...dump, steps: [{ ...step, files: [5] }] },
    { ...dump, steps: [{ ...step, files: 'x' }] },
    { ...dump, steps: [{ ...step, step: 'x' }] },
  ],
  ...[
    { ...dump, steps: [{ ...step, layer: 5 }] },
    { ...dump, steps: [{ ...step, files: ['\0'] }] },
    { ...dump, notes: null },
    { ...dump, ignored: 5 },
  ],
  ...[
    { ...dump, limits: null },
    { ...dump, limits: { elements: 'x' } },
    { ...dump, notes: [5] },
    { ...dump, ignored: [null] },
    { ...dump, path: 5 },
  ],
  ...[
    { ...dump, steps: [step, step] },
    { ...dump, steps: [{ ...step, problem: 5 }] },
    { ...dump, layout: {}, named: [] },
  ],
]

/** Answers, or throws the one error class. The stack of the error begins outside of the package: runners show that line. */
function heldTo(body: () => unknown): void {
  try {
    const answer = body()
    if (answer instanceof Promise) answer.catch(() => undefined)
  } catch (error) {
    if (!(error instanceof api.GoldenLogitsError)) throw error
    const frame = error.stack!.split('\n').find((line) => /^ +at /.test(line))
    expect(frame).not.toMatch(/[\\/]src[\\/]/)
  }
}

const [logits] = api.readTensors(file)

const BUILD = { model: 'm', device: 'd', tensorParallel: 1, decoding: 'forced' } as const

/** 100 rows of memory, enough to calibrate. */
function noise(seed: number) {
  return api.logitsOf(inMemory(goldenRows(seed, 100), 'float32'))
}

/** Every public function, with arguments that are right. */
const FUNCTIONS: Readonly<Record<string, readonly [call: (...args: never[]) => unknown, right: readonly unknown[]]>> = {
  readTensors: [api.readTensors, [file, { limits: {} }]],
  loadDump: [api.loadDump, [my, {}]],
  lazyDumps: [(sources: never) => Object.values(api.lazyDumps(sources)), [{ my, golden: { path: golden } }]],
  calibrate: [
    api.calibrate,
    [[{ dump: noise(1), golden: noise(2) }], { model: 'm', device: 'd', tensorParallel: 1, decoding: 'forced' }],
  ],
  calibrationText: [api.calibrationText, [api.calibrate([{ dump: noise(1), golden: noise(2) }], BUILD)]],
  compareDumps: [api.compareDumps, [my, golden, { threads: 1, steps: [0] }]],
  stratifiedIds: [api.stratifiedIds, [golden, 16]],
  logitsOf: [api.logitsOf, [new Float32Array(4), { dims: [1, 4] }]],
  toReproduceLogits: [
    (a: never, b: never, options: never) => matchers.toReproduceLogits.call({}, a, b, options).message(),
    [my, my, { steps: [0] }],
  ],
  readRaw: [logits!.readRaw, [0, 4, new Uint8Array(16)]],
  toMatchGoldenLayers: [
    (a: never, b: never, options: never) => matchers.toMatchGoldenLayers.call({}, a, b, options).message(),
    [golden, golden, { step: 0 }],
  ],
  toMatchGoldenLogits: [
    (a: never, b: never, options: never) => matchers.toMatchGoldenLogits.call({}, a, b, options).message(),
    [my, golden, { threads: 1, steps: [0], baseline: my }],
  ],
}

test('every public function is tried here', () => {
  const functions = Object.entries({ ...api, ...matchers, ...reporter }).filter(
    ([, value]) => typeof value === 'function',
  )
  const classes = ['GoldenLogitsError', 'default', 'toMatchLogitsSnapshot']
  expect(
    functions
      .map(([name]) => name)
      .filter((name) => !classes.includes(name))
      .sort(),
  ).toEqual(
    Object.keys(FUNCTIONS)
      .filter((name) => name !== 'readRaw')
      .sort(),
  )
})

describe.each(Object.entries(FUNCTIONS))('%s', (_, [call, right]) => {
  const run = call as (...args: unknown[]) => unknown

  test('answers where its arguments are right', () => {
    expect(() => run(...right)).not.toThrow()
  })

  test('throws only its own errors if one argument is of any type', () => {
    for (const [place] of right.entries()) {
      for (const value of VALUES) {
        const args = right.map((argument, i) => (i === place ? value : argument))
        try {
          heldTo(() => run(...args))
        } catch (error) {
          throw new Error(`argument ${place} of ${VALUES.indexOf(value)}: ${(error as Error).stack}`)
        }
      }
    }
    heldTo(() => run())
    expect(run).toBeTypeOf('function')
  })

  test('and if all of them are', () => {
    const anything = fc.oneof(
      fc.constantFrom(...VALUES),
      fc.anything({ withNullPrototype: true, withBigInt: true, withMap: true, withTypedArray: true }),
    )
    fc.assert(
      fc.property(fc.tuple(...right.map((argument) => fc.oneof(fc.constant(argument), anything))), (args) =>
        heldTo(() => run(...args)),
      ),
      { numRuns: 300, seed: 1 },
    )
    expect(run).toBeTypeOf('function')
  })
})
