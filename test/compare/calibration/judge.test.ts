import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { type CompareOptions, calibrate, calibrationText, compareDumps, logitsOf } from '../../../src/index.js'
import { toMatchGoldenLogits } from '../../../src/matchers.js'
import { goldenRows, inMemory, noisyRows } from '../../build/noisy.js'
import { torchDump } from '../../build/pair.js'
import { expectRefusal, refusalOf } from '../../formats/build/refusal.js'

const dir = mkdtempSync(join(tmpdir(), 'golden-logits-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const BUILD = { model: 'toy', device: 'cpu', tensorParallel: 1 }

function goldenOf(seed: number, count = 40) {
  return logitsOf(inMemory(goldenRows(seed, count), 'float32'))
}

function dumpOf(seed: number, count = 40, noise = 0.05, factor = 1) {
  return logitsOf(inMemory(noisyRows(goldenRows(seed, count), seed, noise, factor), 'bfloat16'))
}

const calibration = calibrate(
  [1, 2, 3, 4, 5].map((seed) => ({ dump: dumpOf(seed), golden: goldenOf(seed) })),
  { ...BUILD, decoding: 'forced' },
)

const file = join(dir, 'toy.json')
writeFileSync(file, calibrationText(calibration))

const compare = (dump: ReturnType<typeof dumpOf>, seed: number, options: CompareOptions = {}) =>
  compareDumps(dump, goldenOf(seed, dump.steps.length), { decoding: 'forced', calibration, ...BUILD, ...options })

describe('what the calibration sees', () => {
  test('an honest run of another text passes without a warning', () => {
    for (const seed of [11, 12, 13]) {
      const { pass, warnings, notes, run } = compare(dumpOf(seed), seed)
      expect({ pass, warnings }).toEqual({ pass: true, warnings: [] })
      expect(run!.map(({ key, verdict }) => [key, verdict])).toEqual([
        ['meanKl', 'pass'],
        ['medianSpread', 'pass'],
        ['medianScaleError', 'pass'],
        ['medianPeak', 'pass'],
      ])
      expect(notes).toContain(
        'limits of the calibration of toy, bf16 against fp32, tensor-parallel 1, cpu: 5 accepted dumps against the golden, 200 tokens',
      )
    }
  })

  test('a factor of 1.02 fails, which the default limits let pass', () => {
    const dump = dumpOf(11, 40, 0.05, 1.02)
    expect(
      compare(dump, 11, { calibration: undefined, model: undefined, device: undefined, tensorParallel: undefined })
        .pass,
    ).toBe(true)
    const { pass, firstFailure, run } = compare(dump, 11)
    expect(pass).toBe(false)
    expect(firstFailure!.reason).toMatch(/scale error 0\.0(?:2|1[89])\d* is not below 0\.00\d+ \(calibration\)/)
    expect(run!.find(({ key }) => key === 'medianScaleError')!.verdict).toBe('over-threshold')
  })

  test('a noisier kernel fails over the run', () => {
    const { pass, run } = compare(dumpOf(11, 40, 0.075), 11)
    expect(pass).toBe(false)
    expect(run!.find(({ key }) => key === 'medianSpread')!.reason).toMatch(
      /^median relative spread 0\.02\d* of 40 tokens is not below/,
    )
  })

  test('one vocab id that is off by 1.5 in every token fails by its error peak', () => {
    const rows = noisyRows(goldenRows(11, 40), 11).map((row) =>
      row.map((logit, id) => (id === 77 ? logit + 1.5 : logit)),
    )
    const { pass, firstFailure } = compare(logitsOf(inMemory(rows, 'bfloat16')), 11)
    expect(pass).toBe(false)
    expect(firstFailure!.reason).toMatch(/error peak \d+\.\d+ is not below/)
  })

  test('a shift of all logits changes no probability, and passes although it moves the cosine similarity', () => {
    const rows = noisyRows(goldenRows(11, 40), 11).map((row, step) => row.map((logit) => logit + (step === 4 ? 1 : 0)))
    const dump = logitsOf(inMemory(rows, 'bfloat16'))
    const { pass, tokens } = compare(dump, 11)
    const limit = calibration.tokenLimits.cosineSimilarity!.limit
    expect(tokens[4]!.metrics!.cosineSimilarity).toBeLessThan(limit)
    expect(pass).toBe(true)
    // A limit by hand is meant.
    expect(compare(dump, 11, { thresholds: { cosineSimilarity: limit } }).firstFailure!.step).toBe(4)
  })

  test('a run that is too short for the limits on it says so', () => {
    const { pass, run, notes } = compare(dumpOf(11, 20), 11)
    expect({ pass, run }).toEqual({ pass: true, run: undefined })
    expect(notes).toContain(
      "too few comparable tokens for the calibration's limits on the run (20 of at least 32): its limits on each token decided",
    )
  })

  test('the message shows the limits of the calibration and every reason', () => {
    const options = { decoding: 'forced', calibration: file, ...BUILD } as const
    const text = toMatchGoldenLogits.call({}, dumpOf(11, 40, 0.05, 1.02), goldenOf(11), options).message()
    expect(text).toContain(`must be < ${calibration.tokenLimits.klDivergence!.limit} (calibration)`)
    expect(text).toMatch(/ {2}scale error 0\.0\d+ is not below/)
    expect(text).toMatch(/over-threshold: median scale error/)
    expect(text.split('\n').length).toBeLessThanOrEqual(40)
  })
})

describe('the option calibration', () => {
  test.each([
    ['an object', calibration],
    ['a path', file],
    ['a URL', pathToFileURL(file)],
  ])('takes %s', (_, value) => {
    expect(compare(dumpOf(11), 11, { calibration: value }).pass).toBe(true)
  })

  test.each([
    [{ calibration: 5 }, 'calibration must be the path of a calibration file or what calibrate returned, got 5'],
    [{ calibration: '' }, "calibration must be the path of a calibration file or what calibrate returned, got ''"],
    [{ calibration: undefined, model: 'toy' }, 'the option model says which calibration fits: set calibration, too'],
    [{ device: '' }, "device must be a non-empty string, got ''"],
  ])('%j is refused', (options, message) => {
    const error = refusalOf(() => compare(dumpOf(11), 11, options as CompareOptions))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain(message)
  })

  test('an object that is no calibration is refused', () => {
    const error = refusalOf(() => compare(dumpOf(11), 11, { calibration: { ...calibration, version: 3 } as never }))
    expect(error.code).toBe('bad-calibration')
    expect(error.message).toBe('has version 3, and this version of golden-logits reads 1; pass what calibrate returned')
  })

  test.each([
    [{ model: 'other' }, 'is for model toy, but the option model says other; calibrate this build by itself'],
    [{ device: 'npu' }, 'is for device cpu, but the option device says npu'],
    [{ tensorParallel: 4 }, 'is for tensorParallel 1, but the option tensorParallel says 4'],
    [{ dtype: 'fp16' as const }, 'is for dtype bf16, but this comparison is of fp16'],
  ])('another key is refused: %j', (options, message) => {
    const error = expectRefusal(
      () => compare(dumpOf(11), 11, options),
      'calibration-mismatch',
      message,
      'logits in memory',
    )
    expect(error.message).toContain('the calibration is for')
  })

  test('a golden of another precision is refused', () => {
    const body = () => compareDumps(dumpOf(11), dumpOf(11, 40, 0.01), { decoding: 'forced', calibration, ...BUILD })
    expectRefusal(body, 'calibration-mismatch', 'is for golden fp32, but the golden is bf16', 'logits in memory')
  })

  test('the number of ranks of the dump is its tensor-parallel size', () => {
    const golden = goldenRows(11, 40)
    const rows = noisyRows(golden, 11)
    const split = torchDump(
      rows.map((row) => [row.slice(0, 256), row.slice(256)].map((values) => ({ values, dtype: 'bfloat16' as const }))),
    )
    const whole = torchDump(golden.map((values) => ({ values })))
    const options = { decoding: 'forced', calibration, model: 'toy', device: 'cpu' } as const
    expectRefusal(
      () => compareDumps(split, whole, options),
      'calibration-mismatch',
      'is for tensorParallel 1, but the number of ranks is 2',
      split,
    )
    const { pass, warnings } = compareDumps(split, whole, {
      ...options,
      calibration: { ...calibration, tensorParallel: 2 },
    })
    expect({ pass, warnings }).toEqual({ pass: true, warnings: [] })
  })

  test('what nothing confirms is a warning that names the options', () => {
    const { pass, warnings } = compare(dumpOf(11), 11, { model: undefined, tensorParallel: undefined })
    expect({ pass, warnings }).toEqual({
      pass: true,
      warnings: [
        "nothing shows that the dump is of the model, tensorParallel of the calibration (model: 'toy', tensorParallel: 1); if that is right, set model: 'toy', tensorParallel: 1",
      ],
    })
  })
})

describe('limits by hand come before the calibration', () => {
  const { limit } = calibration.tokenLimits.klDivergence!

  test('a looser one is a warning: tolerance creep', () => {
    const { pass, thresholds, warnings } = compare(dumpOf(11), 11, { thresholds: { klDivergence: 4 * limit } })
    expect({ pass, kl: thresholds.klDivergence }).toEqual({ pass: true, kl: 4 * limit })
    expect(warnings).toEqual([
      `thresholds.klDivergence ${4 * limit} is 4 times as loose as the ${limit} of the calibration: faults between the two pass; if that is right, calibrate again with the runs that need it, and leave thresholds.klDivergence out`,
    ])
  })

  test('a tighter one is not, and counts', () => {
    expect(compare(dumpOf(11), 11, { thresholds: { klDivergence: limit / 1.01 } }).warnings).toEqual([])
    expect(compare(dumpOf(11), 11, { thresholds: { klDivergence: 1e-6 } }).pass).toBe(false)
  })

  test('a looser limit on the run or on the cosine similarity is one, too', () => {
    const { warnings } = compare(dumpOf(11), 11, { thresholds: { cosineSimilarity: 0.5, meanKl: 1 } })
    expect(warnings.map((text) => text.split(' ')[0])).toEqual(['thresholds.cosineSimilarity', 'thresholds.meanKl'])
  })
})
