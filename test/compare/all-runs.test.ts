import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps, compareListed } from '../../src/compare/compare-dumps.js'
import { reproduceDumps } from '../../src/compare/reproduce.js'
import { loadDump } from '../../src/dumps/load.js'
import type { LoadDumpOptions } from '../../src/dumps/types.js'
import { comparisonReport, reportByRun, reportDocument } from '../../src/report/document.js'
import { htmlPage } from '../../src/report/html/page.js'
import { reportMarkdown } from '../../src/report/markdown.js'
import { failureText } from '../../src/report/message/failure.js'
import { passText } from '../../src/report/message/pass.js'
import { logits, rawOf } from '../build/logits.js'
import { type Files, writeTree } from '../build/tree.js'
import { npy } from '../formats/build/arrays.js'
import { expectRefusal, refusalOf } from '../formats/build/refusal.js'

const WIDTH = 16
const row = (values: readonly number[]) => npy(rawOf([...values], 'float32'), { shape: `(1, ${values.length})` })

/** Logits with another top-1: 2 exchanges the two highest, far beyond rounding. */
const flipped = (values: readonly number[]) => values.map((value) => -value)

type Suite = Readonly<Record<string, readonly (readonly number[])[]>>

const GOLDEN = {
  a_1: [0, 1, 2, 3].map((step) => logits(step, WIDTH)),
  b_2: [10, 11, 12].map((step) => logits(step, WIDTH)),
  c_10: [20, 21].map((step) => logits(step, WIDTH)),
} satisfies Suite

/** Every way to keep several prompts under one path. */
const WAYS: Readonly<Record<string, { name: (run: string) => string; write: (suite: Suite) => Files }>> = {
  'a flat folder with many cases': {
    name: (run) => `logits_${run}`,
    write: (suite) => each(suite, (run, step) => `logits_${run}_${step}.npy`),
  },
  'folders of samples': {
    name: (run) => `sample_${run.replace(/\D/g, '').padStart(5, '0')}`,
    write: (suite) =>
      each(suite, (run, step) => `sample_${run.replace(/\D/g, '').padStart(5, '0')}/logits_${step}.npy`),
  },
}

function each(suite: Suite, pathOf: (run: string, step: number) => string): Files {
  return Object.fromEntries(
    Object.entries(suite).flatMap(([run, rows]) => rows.map((values, step) => [pathOf(run, step), row(values)])),
  )
}

const all = (folder: string, options: LoadDumpOptions = {}) => loadDump(folder, { run: 'all', ...options })

describe.each(Object.entries(WAYS))('%s', (_, { name, write }) => {
  const golden = writeTree(write(GOLDEN))

  test('is one comparison of every token, with the run in each', () => {
    const { pass, counts, tokens, runs } = compareDumps(all(writeTree(write(GOLDEN))), all(golden), { dtype: 'fp32' })
    expect(pass).toBe(true)
    expect(counts).toMatchObject({ total: 9, passed: 9 })
    expect(tokens.map(({ run, step }) => [run, step])).toEqual([
      ...[0, 1, 2, 3].map((step) => [name('a_1'), step]),
      ...[0, 1, 2].map((step) => [name('b_2'), step]),
      ...[0, 1].map((step) => [name('c_10'), step]),
    ])
    expect(runs!.map(({ name, pass, counts }) => [name, pass, counts.total])).toEqual([
      [name('a_1'), true, 4],
      [name('b_2'), true, 3],
      [name('c_10'), true, 2],
    ])
  })

  test('names the worst run first', () => {
    const dump = writeTree(
      write({
        ...GOLDEN,
        b_2: [GOLDEN.b_2[0]!, GOLDEN.b_2[1]!.map((v, i) => (i === 3 ? v + 1 : v)), GOLDEN.b_2[2]!],
        c_10: [GOLDEN.c_10[0]!, flipped(GOLDEN.c_10[1]!)],
      }),
    )
    const comparison = compareListed(all(dump), all(golden), { dtype: 'fp32' })
    expect(comparison).toMatchObject({
      pass: false,
      counts: { total: 9, overThreshold: 2, passed: 7 },
      firstFailure: { run: name('c_10'), step: 1, verdict: 'over-threshold' },
    })
    expect(comparison.runs!.map((run) => [run.name, run.pass])).toEqual([
      [name('c_10'), false],
      [name('b_2'), false],
      [name('a_1'), true],
    ])
    const text = failureText(comparison)
    expect(text).toContain(`2 of 3 runs fail, the worst is ${name('c_10')}`)
    expect(text).toContain(`First token over threshold: token 1 of run ${name('c_10')}     (2 tokens compared, 1 over`)
    expect(text).toContain(`  ${name('b_2')}`)
    expect(text.split('\n').length).toBeLessThan(40)
    const reports = reportByRun(comparisonReport(comparison, 'suite'))
    expect(reports.map(({ title, pass, tokens }) => [title, pass, tokens.length])).toEqual([
      [`suite, run ${name('c_10')}`, false, 2],
      [`suite, run ${name('b_2')}`, false, 3],
      [`suite, run ${name('a_1')}`, true, 4],
    ])
  })

  test('has a run of one side alone as missing or extra, token by token', () => {
    const { b_2: _, ...others } = GOLDEN
    const short = writeTree(write(others))
    const missing = compareDumps(all(short), all(golden), { dtype: 'fp32' })
    expect(missing).toMatchObject({ pass: false, counts: { total: 9, passed: 6, missing: 3 } })
    expect(missing.firstFailure).toMatchObject({ run: name('b_2'), step: 0, verdict: 'missing' })
    const extra = compareDumps(all(golden), all(short), { dtype: 'fp32' })
    expect(extra).toMatchObject({ pass: false, counts: { total: 9, passed: 6, extra: 3 } })
    const allowed = compareDumps(all(short), all(golden), { dtype: 'fp32', missing: 'allow' })
    expect(allowed).toMatchObject({ pass: true, counts: { passed: 6, missing: 3 } })
    expect(allowed.warnings.join('\n')).toContain(
      `run ${name('b_2')}: tokens 0 to 2 are missing, excused by missing: 'allow'`,
    )
  })

  test('is refused without the option, with both ways out', () => {
    const text = `choose one with the option run: '${name('a_1')}', or compare all with run: 'all'`
    expectRefusal(() => loadDump(golden), 'ambiguous-run', text, golden)
    expect(loadDump(golden, { run: name('b_2') }).steps).toHaveLength(3)
  })
})

describe('all runs', () => {
  const write = WAYS['a flat folder with many cases']!.write
  const golden = writeTree(write(GOLDEN))

  test('a flip sets tokens aside only in its run', () => {
    const tie = (first: number, second: number) =>
      Array.from({ length: WIDTH }, (_, i) => (i === 0 ? first : i === 1 ? second : -8))
    const suite = { a_1: [tie(5, 5), ...GOLDEN.a_1.slice(1)], b_2: GOLDEN.b_2 }
    const tested = { a_1: [tie(5, 5.0000005), ...GOLDEN.a_1.slice(1)], b_2: GOLDEN.b_2 }
    const comparison = compareDumps(all(writeTree(write(tested))), all(writeTree(write(suite))), { dtype: 'fp32' })
    const verdicts = comparison.tokens.map(({ run, step, verdict }) => `${run} ${step} ${verdict}`)
    expect(verdicts).toContain('logits_a_1 1 not-comparable')
    expect(verdicts.filter((text) => text.startsWith('logits_b_2'))).toEqual([
      'logits_b_2 0 pass',
      'logits_b_2 1 pass',
      'logits_b_2 2 pass',
    ])
    // 4 of 7 tokens are comparable over all runs, although only 1 of run a_1 is.
    expect(comparison).toMatchObject({ pass: true, counts: { notComparable: 3 } })
    expect(comparison.warnings.join('\n')).toContain('run logits_a_1: top-1 is a near-tie at token 0')
    const strict = compareListed(all(writeTree(write(tested))), all(writeTree(write(suite))), {
      dtype: 'fp32',
      minComparable: 5,
    })
    expect(strict.pass).toBe(false)
    expect(failureText(strict)).toContain('Inconclusive: 4 of 7 tokens are comparable, and at least 5 must be')
  })

  test('files of one prompt each are runs', () => {
    const files = (rows: Suite) =>
      Object.fromEntries(Object.entries(rows).map(([run, [first]]) => [`prompt_${run.at(-1)}.npy`, row(first!)]))
    const { tokens, pass, counts } = compareDumps(all(writeTree(files(GOLDEN))), all(writeTree(files(GOLDEN))), {
      dtype: 'fp32',
    })
    expect(tokens.map(({ run, step }) => `${run} ${step}`)).toEqual(['prompt_0 0', 'prompt_1 0', 'prompt_2 0'])
    expect({ pass, total: counts.total }).toEqual({ pass: true, total: 3 })
  })

  test('limits that the files decide are the same for all runs: the coarsest', () => {
    const half = (values: readonly number[]) =>
      npy(rawOf([...values], 'float16'), { descr: "'<f2'", shape: `(1, ${WIDTH})` })
    const files = { ...write(GOLDEN), 'logits_b_2_0.npy': half(GOLDEN.b_2[0]!) }
    const { thresholds } = compareDumps(all(writeTree(files)), all(golden))
    expect(thresholds).toMatchObject({ precision: 'fp16' })
  })

  test('a pass names the run of its worst token', () => {
    const near = GOLDEN.b_2.map((values) => values.map((v, i) => (i === 0 ? v + 0.001 : v)))
    const comparison = compareListed(all(writeTree(write({ ...GOLDEN, b_2: near }))), all(golden), { dtype: 'bf16' })
    expect(comparison.pass).toBe(true)
    expect(passText(comparison)).toMatch(/highest KL divergence .* at token \d of run logits_b_2 /)
  })

  test('an error names its run', () => {
    const error = refusalOf(() => compareDumps(all(golden), all(golden), { steps: [3] }))
    expect(error.code).toBe('nothing-to-compare')
    expect(error.message).toMatch(/^run logits_b_2: .*neither side has token 3; the two sides have tokens 0 to 2/)
  })

  test('what does not fit is refused', () => {
    const one = loadDump(golden, { run: 'logits_a_1' })
    const invalid = 'invalid-argument'
    expectRefusal(() => compareDumps(one, all(golden)), invalid, 'the golden holds several runs', golden)
    expectRefusal(() => compareDumps(all(golden), one), invalid, 'the dump holds several runs', golden)
    const ids = { golden: [1, 2, 3], dump: [1, 2, 3] }
    expectRefusal(
      () => compareDumps(all(golden), all(golden), { tokenIds: ids }),
      invalid,
      'gives the vocab ids of one run',
      golden,
    )
    const others = writeTree(write({ z_1: GOLDEN.a_1 }))
    expectRefusal(
      () => compareDumps(all(others), all(golden)),
      invalid,
      'no run has the same name on both sides',
      others,
    )
    expectRefusal(
      () => reproduceDumps(all(golden), all(golden)),
      invalid,
      'only toMatchGoldenLogits and compareDumps compare several',
      golden,
    )
    const file = writeTree({ 'logits.npy': row(logits(1)) })
    expectRefusal(
      () => all(file),
      'nothing-to-compare',
      "the option run: 'all' is for a path with several prompts",
      file,
    )
    const device = writeTree({
      'torch_tensors/cuda0_1/0/root.lm_head/output.pth': '',
      'torch_tensors/cuda0_2/0/root.lm_head/output.pth': '',
    })
    expectRefusal(() => all(device), 'ambiguous-run', 'named by process or time', device)
    const twice = writeTree({ 'x/sample_0/logits.npy': row(logits(1)), 'y/sample_0/logits.npy': row(logits(1)) })
    expectRefusal(() => all(join(twice, '*')), 'ambiguous-run', 'two runs have the name sample_0', join(twice, '*'))
  })

  test('cases of one name in two folders are paired by the names of their folders', () => {
    const folders = { 'x/logits_a_0.npy': row(logits(1)), 'y/logits_a_0.npy': row(logits(2)) }
    const [mine, trusted] = [writeTree(folders), writeTree(folders)].map((tree) => all(join(tree, '*/*.npy')))
    const comparison = compareDumps(mine!, trusted!, { dtype: 'fp32', identical: 'allow' })
    expect(comparison).toMatchObject({ pass: true, counts: { total: 2, compared: 2 } })
    const swapped = { 'x/logits_a_0.npy': folders['y/logits_a_0.npy'], 'y/logits_a_0.npy': folders['x/logits_a_0.npy'] }
    const other = all(join(writeTree(swapped), '*/*.npy'))
    const { tokens } = compareDumps(other, trusted!, { dtype: 'fp32', decoding: 'forced' })
    expect(tokens.map(({ run, verdict }) => [run, verdict])).toEqual([
      ['x/logits_a.npy', 'over-threshold'],
      ['y/logits_a.npy', 'over-threshold'],
    ])
  })

  test('what is beside the logits of all runs is ignored, and said', () => {
    const folder = writeTree({ ...write(GOLDEN), 'ids_0.npy': '', 'readme.md': '' })
    const { notes } = compareDumps(all(folder), all(golden), { dtype: 'fp32' })
    expect(notes).toContain('dump: 1 path ignored: not named logits, as other files are')
    expect(notes).toContain('dump: 1 path ignored: not part of a dump')
  })
})

describe('limits on the run and statistics of several runs', () => {
  const OPEN = { klDivergence: Number.POSITIVE_INFINITY, cosineSimilarity: -1 }
  const rowsOf = (seed: number, count: number) => Array.from({ length: count }, (_, i) => logits(seed + i, WIDTH))
  const noisy = (rows: readonly (readonly number[])[], scale: number) =>
    rows.map((values, step) => values.map((value, i) => value + scale * Math.sin(5 * i + step)))
  const SUITE = { a_1: rowsOf(1, 6), b_2: rowsOf(40, 6), c_3: rowsOf(80, 6) }
  const { write } = WAYS['a flat folder with many cases']!
  const golden = all(writeTree(write(SUITE)))
  const dumpOf = (scales: readonly [number, number, number]) => {
    const rows = Object.entries(SUITE).map(([name, values], i) => [name, noisy(values, scales[i]!)])
    return all(writeTree(write(Object.fromEntries(rows))))
  }
  const compare = (scales: readonly [number, number, number], thresholds: object) =>
    compareListed(dumpOf(scales), golden, { dtype: 'fp32', decoding: 'forced', thresholds: { ...OPEN, ...thresholds } })

  test('short runs are judged together: no run alone is too short', () => {
    const { pass, run, inconclusive } = compare([0.003, 0.003, 0.003], { meanKl: 0.001 })
    expect(pass).toBe(true)
    expect(inconclusive).toBeUndefined()
    expect(run).toMatchObject([{ key: 'meanKl', verdict: 'pass', tokens: 18 }])
    expect(run![0]!.reason).toMatch(/^all 3 runs together: mean KL divergence \S+ ± \S+ of 18 tokens is below 0\.001$/)
  })

  test('all together over the limit fail, and the worst is named', () => {
    const comparison = compare([0.003, 0.2, 0.003], { meanKl: 0.0001 })
    expect(comparison.pass).toBe(false)
    const text = failureText(comparison)
    expect(text).toMatch(
      /^No token fails, but the run does: all 3 runs together: mean KL divergence .* is not below 0\.0001/,
    )
    expect(text).toMatch(/3 runs, the one with the highest KL divergence first:\n {2}logits_b_2 {2}6 tokens {2}mean KL/)
    expect(comparison.runs!.map(({ name }) => name)[0]).toBe('logits_b_2')
  })

  test('a run that is long enough fails by itself though all together do not', () => {
    const long = { a_1: rowsOf(1, 60), b_2: rowsOf(200, 10) }
    const side = all(writeTree(write(long)))
    const dump = all(writeTree(write({ a_1: noisy(long.a_1, 0.001), b_2: noisy(long.b_2, 0.05) })))
    const options = { dtype: 'fp32', decoding: 'forced' } as const
    const means = compareListed(dump, side, options).runs!.map(({ statistics }) => statistics!.meanKl)
    // Between the mean of run b and that of all.
    const limit = Math.max(...means) / 3
    const comparison = compareListed(dump, side, { ...options, thresholds: { ...OPEN, meanKl: limit } })
    expect(comparison.pass).toBe(false)
    expect(comparison.run!.map(({ run, verdict }) => [run, verdict])).toEqual([
      [undefined, 'pass'],
      ['logits_b_2', 'over-threshold'],
    ])
    expect(failureText(comparison)).toContain('No token fails, but the run does: run logits_b_2: mean KL divergence')
  })

  test('too short together is inconclusive', () => {
    const { pass, inconclusive } = compare([0.003, 0.003, 0.003], { p99Kl: 0.1 })
    expect(pass).toBe(false)
    expect(inconclusive).toMatch(/^all 3 runs together: .* needs at least 100 comparable tokens/)
  })

  test('the statistics of each run and of all together are computed from their tokens', () => {
    const comparison = compare([0.003, 0.01, 0.003], { meanKl: 1 })
    for (const { name, statistics } of comparison.runs!) {
      const kls = [...comparison.tokens].filter(({ run }) => run === name).map(({ metrics }) => metrics!.klDivergence)
      expect(statistics!.meanKl).toBeCloseTo(kls.reduce((a, b) => a + b) / kls.length, 14)
      expect(statistics!.maxKl).toMatchObject({ value: Math.max(...kls), run: name })
    }
    const [first, ...others] = reportByRun(comparisonReport(comparison, 'suite'))
    const every = [...comparison.tokens].map(({ metrics }) => metrics!.klDivergence)
    expect(first!.together).toMatchObject({ runs: 3, worst: 'logits_b_2' })
    expect(first!.together!.statistics.meanKl).toBeCloseTo(every.reduce((a, b) => a + b) / 18, 14)
    for (const other of others) expect(other).not.toHaveProperty('together')
    const document = reportDocument([first!, ...others])
    expect(htmlPage(document)).toContain('<summary>All 3 runs together, the worst is logits_b_2</summary>')
    expect(reportMarkdown(document)).toMatch(/all 3 runs together: mean KL .* of logits&#95;b&#95;2, same top-1 /)
    expect(passText(comparison)).toContain('3 runs, the one with the highest KL divergence first:\n  logits_b_2')
  })
})
