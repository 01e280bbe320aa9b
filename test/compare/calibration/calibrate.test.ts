import { describe, expect, test } from 'vitest'
import { type AcceptedPair, calibrate, calibrationText, compareDumps, logitsOf } from '../../../src/index.js'
import { goldenRows, inMemory, noisyRows } from '../../build/noisy.js'
import { refusalOf } from '../../formats/build/refusal.js'

const BUILD = { model: 'toy', device: 'cpu', tensorParallel: 1 }
const FORCED = { decoding: 'forced' } as const

function pairOf(seed: number, count = 60, factor = 1): AcceptedPair {
  const golden = goldenRows(seed, count)
  return {
    golden: logitsOf(inMemory(golden, 'float32')),
    dump: logitsOf(inMemory(noisyRows(golden, seed, 0.05, factor), 'bfloat16')),
  }
}

const measured = calibrate([pairOf(1), pairOf(2), pairOf(3)], { ...BUILD, ...FORCED })

test('a calibration says what was measured, on what, and which limits follow', () => {
  const { model, dtype, golden, tensorParallel, device, tokens, notes } = measured
  expect({ model, dtype, golden, tensorParallel, device, tokens, notes }).toEqual({
    ...BUILD,
    dtype: 'bf16',
    golden: 'fp32',
    tokens: 180,
    notes: [],
  })
  expect(measured.measured).toBe('3 accepted dumps against the golden')
  // Noise of 0.05 on logits with a standard deviation of 3, measured on 128 columns, and a little rounding.
  expect(measured.spread.relativeSpread!.median).toBeGreaterThan(0.048 / 3)
  expect(measured.spread.relativeSpread!.median).toBeLessThan(0.06 / 3)
  expect(measured.spread.klDivergence!.tailTokens).toBe(18)
  for (const [key, { limit, reason }] of Object.entries({ ...measured.tokenLimits, ...measured.runLimits })) {
    expect(limit, key).toBeGreaterThan(0)
    expect(reason, key).toMatch(/worst|tail/)
  }
  expect(Object.keys(measured.tokenLimits)).toHaveLength(5)
  expect(Object.keys(measured.runLimits)).toHaveLength(4)
})

test('limits are beyond every honest token and near the tail', () => {
  const { spread, tokenLimits } = measured
  expect(tokenLimits.klDivergence!.limit).toBeGreaterThanOrEqual(4 * spread.klDivergence!.max)
  expect(1 - tokenLimits.cosineSimilarity!.limit).toBeGreaterThan(spread.cosineDistance!.max)
  expect(tokenLimits.relativeSpread!.limit).toBeLessThan(0.06)
})

test('the file has one fact a line, and reads back as the same calibration', () => {
  const text = calibrationText(measured)
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(measured)))
  const lines = text.split('\n')
  expect(lines.filter((line) => /"(?:klDivergence|meanKl)":/.test(line))).toHaveLength(3)
  expect(lines.length).toBeLessThan(40)
})

describe('runs of one build', () => {
  const golden = goldenRows(5, 60)
  const run = (seed: number) => logitsOf(inMemory(noisyRows(golden, seed), 'bfloat16'))

  test('are each compared with each', () => {
    const { tokens, golden: precision, measured: what } = calibrate([run(1), run(2), run(3)], { ...BUILD, ...FORCED })
    expect({ tokens, precision, what }).toEqual({
      tokens: 180,
      precision: 'bf16',
      what: '3 runs of one build, each against each',
    })
  })

  test('that are equal bit for bit have no spread: the noise law stands in, and says so', () => {
    const same = calibrate([run(1), run(1), run(1)], { ...BUILD, ...FORCED })
    expect(same.spread).toEqual({})
    expect(same.runLimits).toEqual({})
    const { klDivergence, cosineSimilarity, relativeSpread } = same.tokenLimits
    expect(klDivergence!.reason).toMatch(/^the noise law: all runs are equal bit for bit, so nothing was measured/)
    expect(relativeSpread!.reason).toMatch(/^the noise law/)
    expect(cosineSimilarity!.limit).toBe(0.999)
    // The law at its typical noise, 2^-6, is of the size of what noise of that size makes.
    const noise = 2 ** -6 * 3
    const rows = goldenRows(5, 60)
    const dump = logitsOf(inMemory(noisyRows(rows, 9, noise), 'bfloat16'))
    const { tokens } = compareDumps(dump, logitsOf(inMemory(rows, 'float32')), { ...FORCED, dtype: 'bf16' })
    const worst = Math.max(...tokens.map(({ metrics }) => metrics!.klDivergence))
    expect(klDivergence!.limit).toBeGreaterThan(worst)
    expect(klDivergence!.limit).toBeLessThan(100 * worst)
  })

  test('of float32 that are equal bit for bit take the default limits', () => {
    const rows = logitsOf(inMemory(golden.concat(goldenRows(6, 60)), 'float32'))
    const same = calibrate([rows, rows, rows], { ...BUILD, ...FORCED })
    expect(same.tokenLimits.klDivergence).toEqual({
      limit: 1e-6,
      reason: 'the default limit of fp32; all runs are equal bit for bit, so nothing was measured',
    })
  })

  test('fewer than three are refused', () => {
    const error = refusalOf(() => calibrate([run(1), run(2)], BUILD))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toMatch(/at least three runs of one build, got 2/)
  })
})

describe('what cannot be measured is refused', () => {
  test.each([
    [{ device: 'cpu', tensorParallel: 1 }, 'calibrate needs model, which the dumps do not show'],
    [{}, 'calibrate needs model, device, tensorParallel, which the dumps do not show'],
    [{ ...BUILD, model: '' }, "model must be a non-empty string, got ''"],
    [{ ...BUILD, tensorParallel: 0 }, 'tensorParallel must be a whole number from 1, got 0'],
    [{ ...BUILD, thresholds: {} }, "there is no option 'thresholds'"],
  ])('options %j', (options, message) => {
    const error = refusalOf(() => calibrate([pairOf(1)], options as typeof BUILD))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain(message)
  })

  test.each([[undefined], [[]], [5]])('runs %j', (runs) => {
    const error = refusalOf(() => calibrate(runs as never, BUILD))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain('calibrate needs a list of accepted pairs or of runs of one build')
  })

  test('pairs and runs together', () => {
    const error = refusalOf(() => calibrate([pairOf(1), pairOf(2).dump] as never, BUILD))
    expect(error.message).toContain('needs pairs or runs, not both')
  })

  test('too few tokens', () => {
    const error = refusalOf(() => calibrate([pairOf(1, 60)], { ...BUILD, ...FORCED }))
    expect(error.code).toBe('nothing-to-compare')
    expect(error.message).toContain('60 comparable tokens, and a tail needs at least 100')
    expect(() => calibrate([pairOf(1, 100)], { ...BUILD, ...FORCED })).not.toThrow()
  })

  test('a token that one side lacks', () => {
    const golden = goldenRows(1, 120)
    const dump = logitsOf(inMemory(noisyRows(golden.slice(0, 119), 1), 'bfloat16'))
    const pair = { dump, golden: logitsOf(inMemory(golden, 'float32')) }
    const error = refusalOf(() => calibrate([pair], { ...BUILD, ...FORCED }))
    expect(error.code).toBe('nothing-to-compare')
    expect(error.message).toMatch(/token 119 is missing.*calibrate only from runs that you accept/)
    expect(calibrate([pair], { ...BUILD, ...FORCED, missing: 'allow' }).tokens).toBe(119)
  })

  test('runs of different precisions', () => {
    const golden = goldenRows(1, 120)
    const wide = { golden: logitsOf(inMemory(golden, 'float32')), dump: logitsOf(inMemory(golden, 'float32')) }
    const error = refusalOf(() => calibrate([pairOf(2), wide], { ...BUILD, ...FORCED }))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toMatch(/the dtype is fp32, but that of .* is bf16; calibrate each build by itself/)
  })
})
