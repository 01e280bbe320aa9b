import { symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CompareOptions, type Comparison, compareDumps, type Dump, loadDump, logitsOf } from '../../src/index.js'
import { toMatchGoldenLogits, toMatchLogitsSnapshot } from '../../src/matchers.js'
import { pth } from '../build/logits.js'
import { goldenRows, inMemory, noisyRows } from '../build/noisy.js'
import { torchDump } from '../build/pair.js'
import { writeTree } from '../build/tree.js'
import { refusalOf } from '../formats/build/refusal.js'

type Rows = number[][]

const SEED = 21
const golden = goldenRows(SEED, 40)
const accepted = noisyRows(golden, 1)
const goldenDump = logitsOf(inMemory(golden, 'float32'))
const baseline = logitsOf(inMemory(accepted, 'bfloat16'))

/** A run of the tested side with its own noise. */
const run = (seed: number, noise = 0.05, factor = 1) => noisyRows(golden, seed, noise, factor)
const low = (rows: Rows) => logitsOf(inMemory(rows, 'bfloat16'))

function compare(dump: Dump | string, options: CompareOptions = {}): Comparison {
  return compareDumps(dump, goldenDump, { decoding: 'forced', baseline, ...options })
}

const failing = ({ run = [] }: Comparison) =>
  run.filter(({ verdict }) => verdict === 'over-threshold').map(({ key }) => key)

describe('what a baseline lets pass', () => {
  test.each([2, 3, 4, 5])('an honest run with its own noise, seed %i', (seed) => {
    const { pass, warnings, notes, baseline: facts } = compare(low(run(seed)))
    expect({ pass, warnings }).toEqual({ pass: true, warnings: [] })
    expect(facts).toEqual({ path: 'logits in memory', factor: 1.5, precision: 'bf16', tokens: 40 })
    expect(notes).toContain('errors pass up to 1.5 times the errors of the baseline logits in memory (bf16, 40 tokens)')
  })

  test('a more precise run, and errors far over the limits of the precision', () => {
    expect(compare(low(run(2, 0.01))).pass).toBe(true)
    const coarse = logitsOf(inMemory(noisyRows(golden, 3, 0.5), 'bfloat16'))
    const tested = low(run(2, 0.5))
    expect(compareDumps(tested, goldenDump, { decoding: 'forced', dtype: 'bf16' }).pass).toBe(false)
    expect(compare(tested, { baseline: coarse }).pass).toBe(true)
  })

  test('a token at which the baseline is exact by luck', () => {
    const lucky = accepted.map((row, step) => (step === 7 ? noisyRows([golden[7]!], 1, 0)[0]! : row))
    const { pass, tokens } = compare(low(run(2)), { baseline: low(lucky) })
    expect(pass).toBe(true)
    // Rounding alone: far below what the noise of the baseline makes.
    expect(tokens[7]!.baseline!.klDivergence).toBeLessThan(tokens[7]!.metrics!.klDivergence / 4)
  })

  test('a token of which the golden is as good as sure', () => {
    const sure = golden.map((row, step) => (step === 5 ? row.map((logit, id) => (id === 9 ? 60 : logit)) : row))
    const dumps = [1, 2].map((seed) => low(noisyRows(sure, seed)))
    const { pass, tokens } = compareDumps(dumps[1]!, logitsOf(inMemory(sure, 'float32')), {
      decoding: 'forced',
      baseline: dumps[0]!,
    })
    expect(tokens[5]!.topProbability).toBe(1)
    expect(pass).toBe(true)
  })
})

describe('a run of sure tokens in which few are uncertain', () => {
  // Two equal logits far above the others: the KL divergence is ⅛ of the square of what moves them apart.
  const uncertain = (steps: readonly number[]) => {
    const rows = golden.map((row, step) =>
      row.map((logit, id) => (id === 9 || (id === 10 && steps.includes(step)) ? 60 : logit)),
    )
    // By 0.25, the unit in the last place of bf16 there: both up in the baseline, which keeps them equal.
    const moved = (by9: number, by10: number) =>
      low(
        noisyRows(rows, 2).map((row, step) =>
          row.map((logit, id) => (id === 9 ? 60 + by9 : id === 10 && steps.includes(step) ? 60 + by10 : logit)),
        ),
      )
    const options = { decoding: 'forced', baseline: moved(0.25, 0.25) } as const
    return compareDumps(moved(0.25, -0.25), logitsOf(inMemory(rows, 'float32')), options)
  }

  test('passes, although one error makes nearly all of the sum', () => {
    const { pass, run: verdicts, counts } = uncertain([5])
    expect(verdicts!.find(({ key }) => key === 'klFactor')!.verdict).toBe('pass')
    expect({ pass, compared: counts.compared }).toEqual({ pass: true, compared: 40 })
  })

  test('fails if many tokens have that error', () => {
    const result = uncertain(golden.map((_, step) => step))
    expect(failing(result)).toEqual(['klFactor'])
    expect(result.run!.find(({ key }) => key === 'klFactor')!.reason).toMatch(
      /^root of the mean KL divergence of 40 tokens is 2\.\d+ times the baseline's, 0\.\d+, more than 1\.5 \(baseline\)$/,
    )
  })
})

describe('what a baseline does not let pass', () => {
  test('more noise over the run than the factor', () => {
    const result = compare(low(run(2, 0.1)))
    expect(result.pass).toBe(false)
    expect(failing(result)).toEqual(['klFactor', 'spreadFactor'])
    const { reason } = result.run!.find(({ key }) => key === 'spreadFactor')!
    expect(reason).toMatch(
      /^median relative spread of 40 tokens is [12]\.\d+ times the baseline's, 0\.0\d+, more than 1\.5 \(baseline\)$/,
    )
    expect(compare(low(run(2, 0.1)), { baselineFactor: 3 }).pass).toBe(true)
  })

  test('a factor of 1.04 on the logits', () => {
    const result = compare(low(run(2, 0.05, 1.04)))
    expect(result.pass).toBe(false)
    expect(failing(result)).toContain('scaleFactor')
  })

  test('one vocab id that is off by 1.5', () => {
    const rows = run(2).map((row) => row.map((logit, id) => (id === 77 ? logit + 1.5 : logit)))
    const result = compare(low(rows))
    expect(result.pass).toBe(false)
    expect(result.firstFailure!.reason).toMatch(
      /error peak \d+\.?\d* is above \d+\.?\d*, where the baseline has \d\.\d+ \(baseline\)/,
    )
  })

  test('damage at one token', () => {
    const rows = run(2)
    rows[12] = golden[3]!
    const result = compare(low(rows))
    expect(result.firstFailure!.step).toBe(12)
    expect(result.firstFailure!.reason).toMatch(
      /^KL divergence [\d.]+ is above 0\.\d+, where the baseline has 0\.\d+ \(baseline\)/,
    )
    expect(result.counts.overThreshold).toBe(1)
  })

  test('limits by hand count, too', () => {
    const { firstFailure } = compare(low(run(2)), { thresholds: { klDivergence: 1e-6 } })
    expect(firstFailure!.reason).toMatch(/KL divergence 0\.\d+ is not below 0\.000001/)
  })
})

describe('the factor', () => {
  const short = (count: number, options: CompareOptions = {}) => {
    const [g, b, d] = [golden, accepted, run(2)].map((rows) => rows.slice(0, count))
    return compareDumps(low(d!), logitsOf(inMemory(g!, 'float32')), {
      decoding: 'forced',
      baseline: low(b!),
      ...options,
    })
  }

  test.each([
    [40, 1.5],
    [32, 1.5],
    [31, 2],
    [10, 2],
    [9, 3],
    [4, 3],
  ])('for %i tokens is %d', (count, factor) => {
    expect(short(count).baseline!.factor).toBe(factor)
  })

  test('over the run is that of the tokens that both sides have, unless it was set', () => {
    const limits = (options: CompareOptions) => {
      const { run } = compare(low(run20), { missing: 'allow', ...options })
      return run!.map(({ limit, tokens }) => [limit, tokens])
    }
    const run20 = run(2).slice(0, 20)
    for (const [limit, tokens] of limits({})) expect([limit, tokens]).toEqual([2, 20])
    for (const [limit, tokens] of limits({ baselineFactor: 1.7 })) expect([limit, tokens]).toEqual([1.7, 20])
  })

  test('fewer than ten tokens do not judge the run, and a warning says so', () => {
    const { pass, run, warnings } = short(9)
    expect({ pass, run }).toEqual({ pass: true, run: undefined })
    expect(warnings).toEqual([
      'too few comparable tokens to judge the run by the baseline (9 of at least 10): its tokens alone decided; if that is right, set baselineFactor: 3',
    ])
    expect(short(9, { baselineFactor: 3 }).warnings).toEqual([])
    expect(short(10).run).toHaveLength(4)
  })

  test.each([
    [{ baselineFactor: 0.5 }, 'baselineFactor must be a number from 1, got 0.5'],
    [{ baselineFactor: '2' }, "baselineFactor must be a number from 1, got '2'"],
    [{ baselineFactor: Number.NaN }, 'baselineFactor must be a number from 1, got NaN'],
    [
      { baseline: undefined, baselineFactor: 2 },
      'baselineFactor multiplies the errors of a baseline: set baseline, too',
    ],
    [{ baseline: 5 }, 'the baseline must be a path or what loadDump or logitsOf returned, got number'],
    [{ calibration: 'x.json' }, 'calibration and baseline are two rules for the same errors'],
  ])('%j is refused', (options, message) => {
    const error = refusalOf(() => compare(low(run(2)), options as CompareOptions))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain(message)
  })
})

describe('a message names the side', () => {
  test('a token that the baseline lacks is undecided; one that the dump lacks is missing', () => {
    const { firstFailure, counts } = compare(low(run(2)), { baseline: low(accepted.slice(0, 39)) })
    expect(firstFailure).toMatchObject({ step: 39, verdict: 'undecided' })
    expect(firstFailure!.reason).toBe(
      'the baseline does not hold token 39, so nothing shows which error is accepted there; name a baseline of the same text, or leave the token out by the option steps',
    )
    expect(counts.failed).toBe(1)
    const other = compare(low(run(2).slice(0, 39)))
    expect(other.firstFailure!.reason).toBe('the golden holds token 39, the dump does not')
  })

  test('a token that the baseline has in addition does not matter', () => {
    const fewer = logitsOf(inMemory(golden.slice(0, 39), 'float32'))
    const { pass } = compareDumps(low(run(2).slice(0, 39)), fewer, { decoding: 'forced', baseline })
    expect(pass).toBe(true)
  })

  test('another width of the baseline, and NaN in it', () => {
    const narrow = accepted.map((row, step) => (step === 3 ? row.slice(0, 500) : row))
    const folder = torchDump(narrow.map((values) => ({ values, dtype: 'bfloat16' as const })))
    const shape = compare(low(run(2)), { baseline: folder }).firstFailure!
    expect(shape).toMatchObject({ step: 3, verdict: 'undecided' })
    expect(shape.reason).toMatch(/^the baseline is shape-mismatch against the golden: .*baseline/)
    expect(shape.reason).not.toMatch(/\bdump\b/)
    const broken = accepted.map((row, step) => (step === 3 ? row.map((x, id) => (id === 5 ? Number.NaN : x)) : row))
    const nan = compare(low(run(2)), { baseline: low(broken) }).firstFailure!
    expect(nan.reason).toBe('the baseline is non-finite against the golden: baseline holds 1 NaN, first at vocab id 5')
    // The same in the tested side is its own fault.
    expect(compare(low(broken)).firstFailure!.reason).toBe('dump holds 1 NaN, first at vocab id 5')
  })

  test('a file of the baseline that cannot be read', () => {
    const folder = (rows: Rows, broken = -1) =>
      torchDump(rows.map((values, step) => (step === broken ? 'no file' : { values, dtype: 'bfloat16' as const })))
    const options = { decoding: 'forced', baseline: folder(accepted.slice(0, 5), 2), baselineFactor: 3 } as const
    const [dump, trusted] = [folder(run(2).slice(0, 5)), torchDump(golden.slice(0, 5).map((values) => ({ values })))]
    const { firstFailure } = compareDumps(dump, trusted, options)
    expect(firstFailure).toMatchObject({ step: 2, verdict: 'undecided' })
    expect(firstFailure!.reason).toMatch(
      /^the baseline is unreadable against the golden: .*output\.pth: is of an unknown format/,
    )
  })

  // The golden prefers id 5 to id 6 by 0.6: no near-tie.
  const flipping = (from: Rows, up: number): Rows =>
    from.map((row, step) => (step === 8 ? row.map((x, id) => (id === 5 ? 12 - up : id === 6 ? 11.4 + up : x)) : row))
  const sure = logitsOf(inMemory(flipping(golden, 0), 'float32'))
  const flips = (tested: number, base: number) =>
    compareDumps(low(flipping(run(2), tested)), sure, {
      decoding: 'forced',
      baseline: low(flipping(accepted, base)),
      baselineFactor: 3,
    })

  test('a flip that the baseline has, too, is accepted; one that it has not fails, and says so', () => {
    expect(flips(0, 0).pass).toBe(true)
    const { firstFailure } = flips(0.5, 0)
    expect(firstFailure!.step).toBe(8)
    expect(firstFailure!.reason).toMatch(/^top-1 flips: .*; the baseline keeps the top-1 of the golden$/)
    expect(flips(0.5, 0.5).pass).toBe(true)
    expect(flips(0, 0.5).pass).toBe(true)
  })

  test('behind a flip of the baseline in greedy runs nothing is comparable', () => {
    const result = compareDumps(low(run(2)), sure, { decoding: 'greedy', baseline: low(flipping(accepted, 0.5)) })
    expect(result.counts.notComparable).toBe(31)
    expect(result.tokens[9]!.reason).toMatch(
      /not gated, since the top-1 of the baseline differs from the golden's at token 8, where greedy runs go on with different texts/,
    )
  })

  describe('a dump with the errors of the baseline, digit for digit', () => {
    const folder = (rows: Rows) => torchDump(rows.map((values) => ({ values, dtype: 'bfloat16' as const })))
    const text =
      "the dump is the baseline itself, read from the same files, and passes by its own errors; if that is right, set identical: 'allow'"
    const note =
      'every token has the errors of the baseline, digit for digit: the dump reproduces the baseline, or is a copy of it'

    test('is a warning if both are the same files, also through links', () => {
      const own = folder(accepted)
      expect(compare(own, { baseline: own }).warnings).toEqual([text])
      expect(compare(own, { baseline: own, strict: true }).pass).toBe(false)
      expect(compare(own, { baseline: own, identical: 'allow' }).warnings).toEqual([])
      const link = join(dirname(own), 'link')
      symlinkSync(own, link)
      expect(compare(link, { baseline: own }).warnings).toEqual([text])
    })

    test('is a note if the files are others: a build that computes as before makes it', () => {
      const { pass, warnings, notes } = compare(folder(accepted), { baseline: folder(accepted), strict: true })
      expect({ pass, warnings }).toEqual({ pass: true, warnings: [] })
      expect(notes).toContain(note)
      const other = accepted.map((row, step) => (step === 39 ? run(2)[39]! : row))
      expect(compare(folder(other), { baseline: folder(accepted) }).notes).not.toContain(note)
    })
  })

  test('a golden that is no finer than the baseline is a warning', () => {
    const options = { decoding: 'forced', baseline } as const
    const { warnings } = compareDumps(low(run(2)), low(run(3)), options)
    expect(warnings).toEqual([
      'the golden is bf16, no finer than the baseline (bf16): its own error is in both, so that faults of its size pass; if that is right, set baselineFactor: 1.5',
    ])
    expect(compareDumps(low(run(2)), low(run(3)), { ...options, baselineFactor: 1.5 }).warnings).toEqual([])
  })
})

test('a dump saved in float32 is judged by the precision of the baseline', () => {
  const { pass, thresholds } = compare(logitsOf(inMemory(run(2), 'float32')))
  expect({ pass, precision: thresholds.precision }).toEqual({ pass: true, precision: 'bf16' })
})

test('several runs need a baseline of several runs, by name', () => {
  const suite = (rows: Rows, dtype: 'float32' | 'bfloat16') =>
    loadDump(
      writeTree(
        Object.fromEntries(
          ['a', 'b'].flatMap((name, half) =>
            rows
              .slice(20 * half, 20 * half + 20)
              .map((values, step) => [`logits_${name}_${step}.pth`, pth({ values, dtype })] as const),
          ),
        ),
      ),
      { run: 'all' },
    )
  const [g, b, d] = [suite(golden, 'float32'), suite(accepted, 'bfloat16'), suite(run(2), 'bfloat16')]
  const { pass, runs, counts } = compareDumps(d, g, { decoding: 'forced', baseline: b })
  expect({ pass, runs: runs!.length, compared: counts.compared }).toEqual({ pass: true, runs: 2, compared: 40 })
  const error = refusalOf(() => compareDumps(d, g, { decoding: 'forced', baseline }))
  expect(error.message).toContain("the baseline is one run; load all three with run: 'all'")
})

test('the message names the baseline, its error and what it allows', () => {
  const options = { decoding: 'forced', baseline } as const
  const rows = run(2)
  rows[12] = golden[3]!
  const text = toMatchGoldenLogits.call({}, low(rows), goldenDump, options).message()
  expect(text).toContain("toMatchGoldenLogits(golden, { decoding: 'forced', baseline: 'logits in memory' })")
  expect(text).toMatch(/ {2}KL divergence {7}[\d.]+ +at most 0\.\d+ \(the baseline has 0\.\d+\)/)
  expect(text).not.toContain('must be')
  expect(text.split('\n').length).toBeLessThanOrEqual(40)
  const passed = toMatchGoldenLogits.call({}, low(run(2)), goldenDump, options).message()
  expect(passed).not.toContain('(limit')
})

test('a snapshot takes no baseline', () => {
  const call = () => toMatchLogitsSnapshot.call({} as never, low(run(2)), { baseline } as never)
  expect(call).toThrow(/baseline needs a golden dump: use toMatchGoldenLogits, or leave baseline out/)
})
