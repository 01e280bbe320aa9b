import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { reproduceDumps } from '../../src/compare/reproduce.js'
import { type CompareOptions, type Comparison, compareDumps, type LoadDumpOptions, loadDump } from '../../src/index.js'
import { CSV_COLUMNS, csv } from '../../src/report/csv.js'
import { failureText } from '../../src/report/message/failure.js'
import { passText } from '../../src/report/message/pass.js'
import type { ReportRow } from '../../src/report/rows.js'
import { logits, pth, type Tensor } from '../build/logits.js'
import { atbDump, type Step, torchDump } from '../build/pair.js'
import { writeTree } from '../build/tree.js'

// With positions: 'all', every position of a step is a token.

const rows = (...seeds: number[]): Tensor => ({
  values: seeds.flatMap((seed) => logits(seed)),
  shape: [1, seeds.length, 8],
})

function compare(dump: string, golden: string, load: LoadDumpOptions = {}, options: CompareOptions = {}): Comparison {
  const both = { positions: 'all', ...load } as const
  return compareDumps(loadDump(dump, both), loadDump(golden, both), { dtype: 'bf16', ...options })
}

const places = ({ tokens }: Comparison) =>
  tokens.map(({ step, position, verdict }) => `${step}/${position ?? '-'} ${verdict}`)

/** A speculative run: three positions at every step but the first; the first of token 2's is wrong. */
const GOLDEN: Step[] = [rows(0), rows(1, 2, 3), rows(4, 5, 6), rows(7, 8, 9)]
const WRONG: Step[] = [rows(0), rows(1, 2, 3), rows(44, 5, 6), rows(7, 8, 9)]

describe('every position of a step is a separate token', () => {
  test('in the tokens, the counts and the message', () => {
    const comparison = compare(torchDump(WRONG), torchDump(GOLDEN), {}, { decoding: 'forced' })
    expect(places(comparison)).toEqual([
      '0/- pass',
      '1/0 pass',
      '1/1 pass',
      '1/2 pass',
      '2/0 over-threshold',
      '2/1 pass',
      '2/2 pass',
      '3/0 pass',
      '3/1 pass',
      '3/2 pass',
    ])
    expect(comparison.counts).toMatchObject({ total: 10, compared: 10, passed: 9, overThreshold: 1 })
    expect(comparison.firstFailure).toMatchObject({ step: 2, position: 0 })
    expect(comparison.tokens[5]!.dump).toMatchObject({ shape: [1, 8], fileShape: [1, 3, 8] })
    const text = failureText({ ...comparison })
    expect(text).toContain(
      'First token over threshold: token 2, position 0     (10 tokens compared, 1 over, 0 missing)',
    )
    expect(text).toContain('Next: compare all layers at token 2, position 0.')
  })

  test('a run without a fault passes, and the worst token is named with its position', () => {
    const slight = {
      values: rows(1, 2, 3).values.map((value, i) => (i === 9 ? value + 0.01 : value)),
      shape: [1, 3, 8],
    }
    const comparison = compare(torchDump([rows(0), slight]), torchDump([rows(0), rows(1, 2, 3)]))
    expect(comparison).toMatchObject({ pass: true, counts: { total: 4, passed: 4 } })
    expect(passText(comparison)).toMatch(/highest KL divergence .* at token 1, position 1 {3}\(/)
  })

  test('failing positions of one token are listed as ranges', () => {
    const text = failureText(compare(torchDump([rows(9, 9, 9, 4)]), torchDump([rows(1, 2, 3, 4)])))
    expect(text).toContain('  over-threshold  token 0, positions 0 to 2')
  })

  test('one side that says it is enough, and a number of one side is one position', () => {
    const golden = torchDump(GOLDEN)
    const all = loadDump(torchDump(GOLDEN), { positions: 'all' })
    expect(compareDumps(all, golden, { dtype: 'bf16' }).counts).toMatchObject({ total: 10, passed: 10 })
    expect(compareDumps(golden, all, { dtype: 'bf16' }).counts).toMatchObject({ total: 10, passed: 10 })
    const { tokens } = compareDumps(all, loadDump(golden, { positions: 'last' }), { dtype: 'bf16' })
    expect(tokens.map(({ verdict }) => verdict)).toEqual(['pass', 'shape-mismatch', 'shape-mismatch', 'shape-mismatch'])
  })

  test('without the option such steps fail', () => {
    const { tokens } = compareDumps(torchDump(GOLDEN), torchDump(GOLDEN), { dtype: 'bf16' })
    expect(tokens[1]).toMatchObject({ verdict: 'shape-mismatch' })
    expect(tokens[1]!.reason).toContain("positions: 'last' (or 'all', or a number)")
  })

  test('all positions of a prompt', () => {
    const root = writeTree({ 'golden.pth': pth(rows(1, 2, 3, 4)), 'dump.pth': pth(rows(1, 9, 3, 4)) })
    expect(places(compare(join(root, 'dump.pth'), join(root, 'golden.pth')))).toEqual([
      '0/0 pass',
      '0/1 over-threshold',
      '0/2 pass',
      '0/3 pass',
    ])
  })

  test('a tensor [n, V], ATB files, and one sequence of a batch', () => {
    const flat = (...seeds: number[]): Tensor => ({ ...rows(...seeds), shape: [seeds.length, 8] })
    expect(places(compare(atbDump([rows(0), flat(1, 9)]), torchDump([rows(0), rows(1, 2)])))).toEqual([
      '0/- pass',
      '1/0 pass',
      '1/1 over-threshold',
    ])
    const batch = (...seeds: number[]): Tensor => ({ ...rows(...seeds), shape: [2, 2, 8] })
    const [dump, golden] = [torchDump([batch(9, 9, 1, 5)]), torchDump([batch(0, 0, 1, 2)])]
    expect(places(compare(dump, golden, { sequence: 1 }))).toEqual(['0/0 pass', '0/1 over-threshold'])
    expect(compare(dump, golden).tokens[0]!.reason).toContain('a batch of several sequences')
  })

  test('ranks are joined at each position', () => {
    const half = (from: number, ...seeds: number[]): Tensor => ({
      values: seeds.flatMap((seed) => logits(seed).slice(from, from + 4)),
      shape: [1, seeds.length, 4],
    })
    const dump = torchDump([[half(0, 1, 9), half(4, 1, 9)]])
    expect(places(compare(dump, torchDump([rows(1, 2)])))).toEqual(['0/0 pass', '0/1 over-threshold'])
    const uneven = torchDump([[half(0, 1, 2), half(4, 1)]])
    expect(compare(uneven, torchDump([rows(1, 2)])).tokens[0]).toMatchObject({
      verdict: 'shape-mismatch',
      reason: 'dump: the ranks hold different numbers of positions (2, 1)',
    })
  })
})

describe('the number of positions is checked', () => {
  test('a speculative run against a plain one is refused', () => {
    const plain = torchDump([rows(0), rows(1), rows(4), rows(7)])
    const comparison = compare(torchDump(GOLDEN), plain)
    expect(places(comparison)).toEqual(['0/- pass', '1/- shape-mismatch', '2/- shape-mismatch', '3/- shape-mismatch'])
    expect(comparison.tokens[1]).toMatchObject({
      pass: false,
      reason:
        "the golden holds 1 position and the dump 3: with positions: 'all' both sides must hold as many; a run with speculative positions cannot be compared with a plain one, unless loadDump's option positions takes one of them ('last' or a number)",
      dump: { fileShape: [1, 3, 8] },
    })
    // The option that decides.
    const first = loadDump(torchDump(GOLDEN.slice(1)), { positions: 0, firstStep: 1 })
    expect(compareDumps(first, plain, { dtype: 'bf16', steps: { from: 1 } }).pass).toBe(true)
  })

  test('steps of one side alone stay one token', () => {
    const comparison = compare(torchDump([rows(0), rows(1, 2)]), torchDump([rows(0), rows(1, 2), rows(3, 4)]))
    expect(places(comparison)).toEqual(['0/- pass', '1/0 pass', '1/1 pass', '2/- missing'])
    const { total, compared, failed, missing, extra, unreadable } = comparison.counts
    expect(compared + failed + missing + extra + unreadable).toBe(total)
  })

  test('a position that cannot be read fails that token only', () => {
    const nan = { values: rows(1, 2, 3).values.with(12, Number.NaN), shape: [1, 3, 8] }
    const comparison = compare(torchDump([rows(0), nan]), torchDump([rows(0), rows(1, 2, 3)]))
    expect(places(comparison)).toEqual(['0/- pass', '1/0 pass', '1/1 non-finite', '1/2 pass'])
  })
})

describe('a flip', () => {
  const options: CompareOptions = { afterDivergence: 'ignore' }

  test('in the middle of a prompt excuses nothing', () => {
    const [golden, dump] = [torchDump([rows(1, 2, 3), rows(4)]), torchDump([rows(1, 9, 3), rows(44)])]
    expect(places(compare(dump, golden, {}, options))).toEqual([
      '0/0 pass',
      '0/1 over-threshold',
      '0/2 pass',
      '1/- over-threshold',
    ])
  })

  test('at the last position of a prompt, or at a later step, excuses later steps only', () => {
    const [golden, dump] = [torchDump([rows(1, 2), rows(4)]), torchDump([rows(1, 9), rows(44)])]
    expect(places(compare(dump, golden, {}, options))).toEqual(['0/0 pass', '0/1 over-threshold', '1/- not-comparable'])
    const later = compare(
      torchDump([rows(0), rows(9, 9), rows(9)]),
      torchDump([rows(0), rows(1, 2), rows(3)]),
      {},
      options,
    )
    expect(places(later)).toEqual(['0/- pass', '1/0 over-threshold', '1/1 over-threshold', '2/- not-comparable'])
  })
})

test('two runs are compared bit by bit at every position', () => {
  const [golden, dump] = [torchDump(GOLDEN), torchDump(WRONG)].map((path) => loadDump(path, { positions: 'all' }))
  expect(reproduceDumps(golden!, golden!)).toMatchObject({ pass: true, counts: { total: 10, identical: 10 } })
  const { firstFailure, counts } = reproduceDumps(dump!, golden!)
  expect(firstFailure).toMatchObject({ step: 2, position: 0, verdict: 'not-identical' })
  expect(counts).toMatchObject({ total: 10, identical: 9, different: 1 })
})

test('the CSV has the shape of the file, and the position of each row', () => {
  const golden = loadDump(torchDump([rows(0), rows(1, 2)]), { positions: 'all' })
  const comparison = compareDumps(atbDump([rows(0), rows(1, 2)]), golden, { dtype: 'bf16' })
  const test = { project: '', file: 'a.test.ts', test: 'a', testIsSure: true, ordinal: 1, repetition: 1, attempt: 1 }
  const made = { ...test, matcher: 'toMatchGoldenLogits', isNot: false, soft: false, poll: false }
  const cells = comparison.tokens.map((token, index) => {
    const row = {
      comparison: { ...made, thresholds: comparison.thresholds },
      token: { index, ...token },
      reportRows: 3,
    }
    const line = csv.row(row as ReportRow).trimEnd()
    const values = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
      ([, quoted, plain]) => quoted ?? plain,
    )
    return ['token_id', 'position', 'golden_shape', 'my_shape'].map((name) => values[CSV_COLUMNS.indexOf(name)])
  })
  expect(cells).toEqual([
    ['0', '', '[1, 1, 8]', '[1, 1, 8]'],
    ['1', '0', '[1, 2, 8]', '[1, 2, 8]'],
    ['1', '1', '[1, 2, 8]', '[1, 2, 8]'],
  ])
})
