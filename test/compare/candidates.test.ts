import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareListed } from '../../src/compare/compare-dumps.js'
import { compareDumps, logitsOf } from '../../src/index.js'
import { comparisonReport, reportDocument } from '../../src/report/document.js'
import { htmlPage } from '../../src/report/html/page.js'
import { parseReport } from '../../src/report/parse-report.js'
import { logits } from '../build/logits.js'
import { atbDump, torchDump } from '../build/pair.js'
import { reportJson } from '../report/report-json.js'

/** p = 1/2, 1/4, … of 12 ids, the last two equal, so that they sum to 1; as logits, shifted by 3. */
const HALVES = Array.from({ length: 12 }, (_, id) => 2 ** -Math.min(id + 1, 11))
const row = HALVES.map((p) => Math.fround(Math.log(p) + 3))
/** The first two exchanged. */
const exchanged = [row[1]!, row[0]!, ...row.slice(2)]

const golden = torchDump([{ values: row }, { values: row }])
const dump = torchDump([{ values: row }, { values: exchanged }])

describe('the most probable ids of both sides', () => {
  test('are kept for a token over a limit, and for no other', () => {
    const { tokens, firstFailure } = compareDumps(dump, golden, { dtype: 'fp32', decoding: 'forced' })
    expect(tokens[0]).not.toHaveProperty('candidates')
    const { golden: g, dump: d } = tokens[1]!.candidates!
    expect(g!.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(d!.map(({ id }) => id)).toEqual([1, 0, 2, 3, 4, 5, 6, 7, 8, 9])
    for (const [rank, { id, logit, probability }] of g!.entries()) {
      expect(logit).toBe(row[id])
      expect(probability).toBeCloseTo(HALVES[rank]!, 6)
    }
    expect(d![0]).toMatchObject({ id: 1, logit: row[0] })
    expect(firstFailure).toBe(tokens[1])
  })

  test('are kept of the first 100 failing tokens, and the rest are counted', () => {
    const many = (values: number[]) => torchDump(Array.from({ length: 104 }, () => ({ values })))
    const options = { dtype: 'fp32', decoding: 'forced', repeatedRows: 'allow' } as const
    const comparison = compareListed(many(exchanged), many(row), options)
    const report = comparisonReport(comparison, 'many')
    expect(report.tokens.filter(({ candidates }) => candidates)).toHaveLength(100)
    expect(report.tokens[99]).toHaveProperty('candidates')
    expect(report.tokens[100]).not.toHaveProperty('candidates')
    expect(report.withoutCandidates).toBe(4)
  })

  test('are of the columns and ranks that were compared', () => {
    const open = { dtype: 'fp32', thresholds: { klDivergence: 0.1 } } as const
    const cut = compareDumps(torchDump([{ values: exchanged }]), torchDump([{ values: row }]), {
      ...open,
      vocabSize: 8,
    })
    expect(cut.firstFailure!.candidates!.golden!.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    // The probability is over the columns that were compared.
    expect(cut.firstFailure!.candidates!.golden![0]!.probability).toBeCloseTo(0.5 / (1 - 2 ** -8), 6)
    const ranks = atbDump([[{ values: exchanged.slice(0, 6) }, { values: exchanged.slice(6) }]])
    const joined = compareDumps(ranks, torchDump([{ values: row }]), { dtype: 'fp32' })
    expect(joined.firstFailure!.candidates!.dump!.map(({ id }) => id).slice(0, 3)).toEqual([1, 0, 2])
  })

  test('are the same of logits in memory', () => {
    const memory = (values: number[]) =>
      logitsOf([{ data: Float32Array.from(values), dims: [1, 12], dtype: 'float32' }])
    const { firstFailure } = compareDumps(memory(exchanged), memory(row), { dtype: 'fp32' })
    expect(firstFailure!.candidates!.dump![0]!.id).toBe(1)
  })

  test('of an undecided token of a base file are its log-probabilities', () => {
    const [q8, f32] = ['q8_0', 'f32'].map((build) => join('test', 'fixtures', 'kld', `narrow-${build}.kld`))
    const { firstFailure } = compareDumps(q8!, f32!, { dtype: 'bf16', thresholds: { totalVariation: 0.1 } })
    const { golden: g } = firstFailure!.candidates!
    expect(g![0]!.id).toBe(firstFailure!.golden!.top1)
    expect(g![0]!.logit).toBe(firstFailure!.golden!.top1Logit)
    expect(Math.abs(Math.log(g![0]!.probability) - g![0]!.logit)).toBeLessThan(1e-3)
  })

  test('are in JSON and in the details of the HTML report, to which the table links', () => {
    const comparison = compareListed(dump, golden, { dtype: 'fp32', decoding: 'forced' })
    const report = comparisonReport(comparison, 'pair')
    const read = parseReport('report.json', reportJson(reportDocument([report]))).comparisons[0]!
    expect(read.tokens[1]!.candidates).toEqual(comparison.tokens.at(1)!.candidates)
    const page = htmlPage(reportDocument([report]))
    expect(page).toContain('<a href="#c0-d1">1</a>')
    expect(page).toContain('<article class="detail" id="c0-d1">')
    expect(page).toMatch(
      /<tr class="flipped"><th scope="row">1<td>0<td>\S+<td>0\.5<td>rank 2<td>1<td>\S+<td>0\.5<td>rank 2/,
    )
    expect(page).not.toContain('\\x0a')
    const passing = compareListed(golden, golden, { dtype: 'fp32', identical: 'allow' })
    expect(htmlPage(reportDocument([comparisonReport(passing, 'pass')]))).not.toContain('class="candidates"')
  })

  test('are absent if the file cannot be read any more, or is known in part', () => {
    const { tokens } = compareDumps(
      torchDump([{ values: logits(1) }, 'no tensor']),
      torchDump([{ values: logits(2) }, { values: logits(1) }]),
      { dtype: 'fp32' },
    )
    expect(tokens[0]).toHaveProperty('candidates')
    expect(tokens[1]).not.toHaveProperty('candidates')
  })
})
