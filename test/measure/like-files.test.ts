import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DumpStep } from '../../src/dumps/types.js'
import { FilesSource, type RowLayout } from '../../src/measure/from-files.js'
import { measurePair, type PairSetting } from '../../src/measure/measure-pair.js'
import type { Outcome } from '../../src/measure/outcome.js'
import type { RowKernel } from '../../src/metrics/kernel.js'
import { createKernel } from '../../src/metrics/row-kernel.js'
import { atb, logits, pth, type Tensor } from '../build/logits.js'
import { writeTree } from '../build/tree.js'
import { int, pickle, tensor, tuple, utf8 } from '../formats/build/pickle.js'
import { FOUR, torchRecords, zip } from '../formats/build/zip.js'

/** What two sources have learnt of the files of a dump. */
interface Layouts {
  golden: RowLayout | undefined
  dump: RowLayout | undefined
}

/** Measures one pair after the other with the same two sources. */
class PairMeasurer {
  private readonly setting: PairSetting & { golden: FilesSource; dump: FilesSource }

  constructor(kernel: RowKernel, vocabSize?: number, layouts?: Layouts) {
    const golden = new FilesSource({ budgets: {}, choice: {}, layout: layouts?.golden }, kernel)
    const dump = new FilesSource({ budgets: {}, choice: {}, layout: layouts?.dump }, kernel)
    this.setting = { golden, dump, vocabSize, kernel }
  }

  get layouts(): Layouts {
    return { golden: this.setting.golden.setting.layout, dump: this.setting.dump.setting.layout }
  }

  measure(golden: DumpStep, dump: DumpStep): Outcome {
    return measurePair(golden, dump, this.setting)
  }
}

/** A kernel that counts the pairs of which it measured rows in the middle of their files: those that were not parsed. */
function watched(name: RowKernel['name'] = 'wasm'): { kernel: RowKernel; short: () => number; read: () => number } {
  const kernel = createKernel(name)
  const seen = { short: 0, reserved: 0 }
  const watching: RowKernel = {
    name: kernel.name,
    crc32: (bytes) => kernel.crc32(bytes),
    reserve: (golden, dump) => {
      seen.reserved++
      return kernel.reserve(golden, dump)
    },
    compare: (golden, dump, count, goldenFrom, dumpFrom) => {
      if (goldenFrom && dumpFrom) seen.short++
      return kernel.compare(golden, dump, count, goldenFrom, dumpFrom)
    },
  }
  return { kernel: watching, short: () => seen.short, read: () => seen.reserved }
}

const step = (...files: string[]): DumpStep => ({ step: 0, files, layer: 'lm_head' })
const general = createKernel('wasm')

/** The outcome of a pair if nothing was learnt from earlier pairs. */
function alone(golden: DumpStep, dump: DumpStep, vocabSize?: number): Outcome {
  return new PairMeasurer(general, vocabSize).measure(golden, dump)
}

/** Pairs of files of these bytes, each in its own folder. @param name of the golden's */
function pairs(...files: readonly (readonly [golden: Uint8Array, dump: Uint8Array, name?: string])[]): Pair[] {
  const paths = files.map(
    ([, , name = 'output'], i) => [`golden/${i}/${name}.pth`, `dump/${i}/outtensor0.bin`] as const,
  )
  const tree = files.flatMap(([golden, dump], i) => [[paths[i]![0], golden] as const, [paths[i]![1], dump] as const])
  const root = writeTree(Object.fromEntries(tree))
  return paths.map(([golden, dump]) => [step(join(root, golden)), step(join(root, dump))])
}

type Pair = [golden: DumpStep, dump: DumpStep]

/** The same file of torch whose folder in the archive has another name, of seven characters. */
function called(name: string, bytes: Uint8Array): Uint8Array {
  return Buffer.from(
    Buffer.from(bytes)
      .toString('latin1')
      .replaceAll(/(archive|logit_1)\//g, `${name}/`),
    'latin1',
  )
}

const row = (seed: number, more: Partial<Tensor> = {}): Tensor => ({ values: logits(seed), ...more })

describe.each(['wasm', 'typescript'] as const)('on the %s kernel, pairs like the one before', (name) => {
  test.each<[string, (seed: number) => [Uint8Array, Uint8Array]]>([
    ['torch against ATB', (seed) => [pth(row(seed)), atb(row(seed + 0.1))]],
    ['narrow against wide', (seed) => [pth(row(seed, { dtype: 'float16' })), pth(row(seed + 1, { dtype: 'float64' }))]],
    ['of three axes', (seed) => [pth(row(seed, { shape: [1, 1, 8] })), atb(row(seed, { dtype: 'bfloat16' }))]],
    [
      'with rows that cannot be measured',
      (seed) => [pth(row(seed)), atb({ values: [Number.NaN, ...logits(seed, 7)] })],
    ],
    [
      'of which ATB has the last of several rows',
      (seed) => [pth(row(seed)), atb({ values: [...logits(0), ...logits(seed + 2)], shape: [1, 2, 8] })],
    ],
  ])('%s, are measured the short way, with the same result', (_, make) => {
    const { kernel, short } = watched(name)
    const measurer = new PairMeasurer(kernel)
    const all = pairs(...[1, 2, 3, 4].map(make))
    const fresh = createKernel(name)
    for (const [golden, dump] of all) {
      expect(measurer.measure(golden, dump)).toEqual(new PairMeasurer(fresh).measure(golden, dump))
    }
    expect(short()).toBe(3)
    // What one thread has found serves another.
    const other = watched(name)
    const told = new PairMeasurer(other.kernel, undefined, structuredClone(measurer.layouts))
    for (const [golden, dump] of all) {
      expect(told.measure(golden, dump)).toEqual(new PairMeasurer(fresh).measure(golden, dump))
    }
    expect(other.short()).toBe(4)
  })
})

describe('pairs that are not as the one before', () => {
  /** Measures them all, expects what each comes to by itself, and returns how many went the short way. */
  function measured(all: readonly (readonly [DumpStep, DumpStep])[], vocabSize?: number): number {
    const { kernel, short } = watched()
    const measurer = new PairMeasurer(kernel, vocabSize)
    for (const [golden, dump] of all) {
      expect(measurer.measure(golden, dump)).toEqual(alone(golden, dump, vocabSize))
    }
    return short()
  }

  test('of another size, dtype or offset of their rows are parsed again, and the files after them follow them', () => {
    const kinds = [row(1), row(2), row(3, { dtype: 'float64' }), row(4, { dtype: 'float64' })]
    expect(measured(pairs(...kinds.map((kind) => [pth(kind), atb(row(9))] as const)))).toBe(2)
  })

  test('that only their elements show: a tar archive is recognised there', () => {
    const wide = (seed: number) => atb({ values: logits(seed, 64) })
    const tar = wide(3)
    tar.set(utf8('ustar'), 257)
    const all = pairs([wide(1), wide(2)], [wide(2), tar], [tar, wide(1)], [wide(4), wide(5)])
    expect(alone(...all[1]!)).toMatchObject({ kind: 'unreadable', reason: expect.stringContaining('a tar archive') })
    expect(measured(all)).toBe(1)
  })

  test.each([
    ['a part of what a CRC is of', pth({ values: logits(5, 24), shape: [1, 3, 8] })],
    ['the last of many in an ATB file', atb({ values: logits(5, 8000), shape: [1, 1000, 8] })],
  ])('by a row that is %s, are never read whole', (_, bytes) => {
    const { kernel, short, read } = watched()
    const measurer = new PairMeasurer(kernel)
    const all = pairs([bytes, atb(row(1))], [bytes, atb(row(2))])
    for (const pair of all) expect(measurer.measure(...pair)).toEqual(alone(...pair))
    expect([short(), read()]).toEqual([0, 2])
  })

  test('by their files: none, two, a problem, or none there', () => {
    const [[golden, dump], [other]] = pairs([pth(row(1)), atb(row(2))], [pth(row(3)), atb(row(4))]) as [Pair, Pair]
    const two = step(...golden.files, ...other.files)
    const failed = { ...dump, problem: 'two heads' }
    const gone = step(join(golden.files[0]!, '../none.pth'))
    const odd = [[two, dump] as const, [golden, failed] as const, [gone, dump] as const, [golden, gone] as const]
    for (const pair of odd) expect(measured([[golden, dump], pair, [golden, dump]])).toBe(1)
  })

  test('by a file that names the file of its data, which each token notes', () => {
    const link = utf8('$Version=1.0\n$Object.Count=0\ndata=2_outtensor0.bin\n$End=1\n')
    const root = writeTree({
      'golden.pth': pth(row(1)),
      'data/0_1/0/33_LmHead/after/outtensor0.bin': link,
      'data/0_1/0/2_Layer/after/outtensor0.bin': atb(row(2)),
      'data/0_1/1/33_LmHead/after/outtensor0.bin': atb(row(3)),
    })
    const golden = step(join(root, 'golden.pth'))
    const [linked, own] = [0, 1].map((n) => step(join(root, `data/0_1/${n}/33_LmHead/after/outtensor0.bin`)))
    expect(alone(golden, linked!).notes).toHaveLength(1)
    expect(measured([linked!, own!, own!].map((dump) => [golden, dump]))).toBe(1)
  })

  test('and the option vocabSize: what was cut off is measured for each', () => {
    const all = pairs([pth(row(1)), atb(row(2))], [pth(row(3)), atb(row(4))])
    expect(measured(all, 5)).toBe(1)
  })

  test('of equal size but another layout: the short way gives up after five pairs', () => {
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    const all = pairs(...seeds.map((seed) => [called(`archiv${seed}`, pth(row(seed))), atb(row(seed))] as const))
    const { kernel, short, read } = watched()
    const measurer = new PairMeasurer(kernel)
    for (const [golden, dump] of all) expect(measurer.measure(golden, dump)).toEqual(alone(golden, dump))
    expect([short(), read()]).toEqual([0, 9 + 5])
  })
})

describe('files of torch that have their own name in them', () => {
  // Beside its own folder the archive has another one, of a name that a file may have.
  const doubled = zip([
    ...torchRecords(pickle(tensor({ size: tuple(int(1), int(4)), stride: tuple(int(4), int(1)) }))),
    { name: 'logit_5/data/0', content: FOUR },
  ])
  const names = ['logit_1', 'logit_2', 'a.b-c_3', '1234567']
  const files = names.map((name, i) => [called(name, pth(row(i))), atb(row(i + 1)), name] as const)

  test('are like each other', () => {
    const { kernel, short } = watched()
    const measurer = new PairMeasurer(kernel)
    for (const [golden, dump] of pairs(...files)) expect(measurer.measure(golden, dump)).toEqual(alone(golden, dump))
    expect(short()).toBe(3)
  })

  test.each([
    ['of another length', 'logit_10', called('logit_10', pth(row(5)))],
    ['that is not the one in it', 'logit_3', called('logit_4', pth(row(5)))],
    ['that is the front of the one in it', 'logit_', called('logit_\\', pth(row(5)))],
    ['that is of another alphabet', 'log\u00eft_3', called('log\u00eft_3', pth(row(5)))],
    ['that begins a path elsewhere', 'C:logit', called('C:logit', pth(row(5)))],
    ['that is a name in it twice', 'logit_5', called('logit_5', doubled)],
  ])('but for a name %s', (_, name, bytes) => {
    const { kernel, short } = watched()
    const measurer = new PairMeasurer(kernel)
    const columns = name === 'logit_5' ? 4 : 8
    const dump = (seed: number) => atb({ values: logits(seed, columns) })
    const first = called('logit_1', name === 'logit_5' ? doubled : pth(row(0)))
    for (const pair of pairs([first, dump(1), 'logit_1'], [first, dump(2), 'logit_1'], [bytes, dump(3), name])) {
      expect(measurer.measure(...pair)).toEqual(alone(...pair))
    }
    expect(short()).toBe(1)
  })
})

const real = new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/torch/bfloat16-7.pth')))

test.each([
  ['a torch file', 'output', pth(row(1)), atb(row(2))],
  ['a torch file by its own name', 'archive', real, pth({ values: logits(2, 7) })],
  ['a torch file by another name for itself', 'logit_1', called('logit_1', real), pth({ values: logits(2, 7) })],
  ['an ATB file', 'output', atb(row(1)), pth(row(2))],
  ['an ATB file of several rows', 'output', atb({ values: logits(1, 16), shape: [2, 8] }), atb(row(2))],
])('%s with any byte changed has the same result as the first pair of a comparison', (_, name, bytes, other) => {
  const [[golden, dump]] = pairs([bytes, other, name]) as [Pair]
  const { kernel, short } = watched()
  const measurer = new PairMeasurer(kernel)
  const file = golden.files[0]!
  const changes = [...bytes.keys()].map((at) => bytes.with(at, bytes[at]! ^ (1 << (at % 8))))
  measurer.measure(golden, dump)
  for (const changed of [...changes, bytes.subarray(0, -1), Buffer.concat([bytes, Uint8Array.of(0)])]) {
    writeFileSync(file, changed)
    const told = new PairMeasurer(kernel, undefined, measurer.layouts)
    const [outcome, expected] = [told.measure(golden, dump), alone(golden, dump)]
    if (JSON.stringify(outcome) !== JSON.stringify(expected)) expect(outcome).toEqual(expected)
  }
  expect(short()).toBeGreaterThan(8)
})
