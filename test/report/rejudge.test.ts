import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../src/compare/types.js'
import { reportDocument } from '../../src/report/document.js'
import { type NewLimits, rejudge } from '../../src/report/rejudge.js'
import { partlyMissing, treeReport } from './html/build.js'

const bad = reportDocument([treeReport('b_token3_degraded')])
const good = reportDocument([treeReport('a_clean_f32_vs_f16')])

function verdicts(...args: Parameters<typeof rejudge>) {
  return rejudge(...args).comparisons[0]!.tokens.map(({ verdict }) => verdict)
}

test('looser limits let a failing token pass, as the same limits would have at first', () => {
  expect(rejudge(bad, { klDivergence: 20, cosineSimilarity: 0.9 }).comparisons[0]).toMatchObject({
    pass: true,
    verdicts: { pass: 12 },
    thresholds: { klDivergence: 20, cosineSimilarity: 0.9 },
  })
})

test('a limit that stays still fails its tokens', () => {
  const [comparison] = rejudge(bad, { klDivergence: 20 }).comparisons
  expect(comparison!.pass).toBe(false)
  expect(comparison!.tokens[3]).toMatchObject({
    verdict: 'over-threshold',
    reason: 'cosine similarity 0.975473 is not above 0.999',
  })
})

test('tighter limits fail the tokens that are over them', () => {
  // The KL divergences of this tree, as NumPy has them, are between 3e-8 and 1.6e-5.
  const [comparison] = rejudge(good, { klDivergence: 1e-6 }).comparisons
  expect(comparison!.pass).toBe(false)
  for (const { metrics, pass } of comparison!.tokens) expect(pass).toBe(metrics!.klDivergence < 1e-6)
})

test('what the limits do not decide stays as it was, and so does everything without new limits', () => {
  const document = reportDocument([partlyMissing()])
  const before = document.comparisons[0]!.tokens.map(({ verdict }) => verdict)
  expect(verdicts(document, { klDivergence: 100, cosineSimilarity: -1 })).toEqual(before)
  expect(verdicts(bad, {})).toEqual(bad.comparisons[0]!.tokens.map(({ verdict }) => verdict))
})

test('probability on suppressed ids still fails a token', () => {
  const [report] = bad.comparisons
  const reason =
    'KL divergence 1 is not below 0.005; the dump gives probability 0.5 to 1 vocab id that the golden suppresses'
  const tokens = report!.tokens.map((token) => ({ ...token, verdict: 'over-threshold' as const, pass: false, reason }))
  const judged = rejudge(reportDocument([{ ...report!, tokens }]), { klDivergence: 100, cosineSimilarity: -0.5 })
  expect(judged.comparisons[0]!.tokens[0]).toMatchObject({
    pass: false,
    reason: 'the dump gives probability 0.5 to 1 vocab id that the golden suppresses',
  })
})

describe('tokens that are known within bounds', () => {
  const bounds = { klDivergence: { lo: 1e-5, hi: 4e-5 }, cosineSimilarity: { lo: 0.9995, hi: 0.9999 } }
  const range = 'KL divergence lies in [0.00001, 0.00004], cosine similarity in [0.9995, 0.9999]'
  /** The first token of the report, as a compact snapshot knows it. */
  const boundedBy = (verdict: Verdict, reason: string, estimate?: number) => {
    const [report] = good.comparisons
    const { metrics: _, ...token } = report!.tokens[0]!
    const metrics = estimate === undefined ? {} : { metrics: { klDivergence: estimate } }
    return reportDocument([
      { ...report!, tokens: [{ ...token, ...metrics, verdict, pass: verdict === 'pass', reason, bounds }] },
    ])
  }
  const open = 'KL divergence lies in [0.00001, 0.00004], which contains its limit 0.00002'
  const advice = "a snapshot with fidelity: 'full' decides it"

  test.each<[Verdict, string, NewLimits, Verdict, string]>([
    ['pass', range, { klDivergence: 5e-5 }, 'pass', range],
    ['pass', range, { klDivergence: 1e-6 }, 'over-threshold', 'KL divergence is at least 0.00001, not below 0.000001'],
    ['pass', range, { klDivergence: 2e-5 }, 'undecided', `${open}; set a limit outside of that range`],
    [
      'pass',
      range,
      { cosineSimilarity: 0.99999 },
      'over-threshold',
      'cosine similarity is at most 0.9999, not above 0.99999',
    ],
    ['undecided', `${open}; ${advice}`, { klDivergence: 1e-4 }, 'pass', range],
    ['undecided', `${open}; ${advice}`, { cosineSimilarity: 0.9 }, 'undecided', `${open}; ${advice}`],
    ['undecided', 'total variation is not known', { klDivergence: 1 }, 'undecided', 'total variation is not known'],
    ['over-threshold', 'KL divergence is at least 0.00001, not below 1e-9', { klDivergence: 1 }, 'pass', range],
    [
      'over-threshold',
      'cosine similarity is at most 0.9999, not above 0.99999',
      { klDivergence: 1 },
      'over-threshold',
      'cosine similarity is at most 0.9999, not above 0.99999',
    ],
    ['not-comparable', 'behind a near-tie', { klDivergence: 1e-9 }, 'not-comparable', 'behind a near-tie'],
  ])('%s, "%s", by %o: %s', (verdict, reason, limits, expected, text) => {
    const [comparison] = rejudge(boundedBy(verdict, reason), limits).comparisons
    expect(comparison!.tokens[0]).toMatchObject({ verdict: expected, pass: expected === 'pass', reason: text })
  })

  test('the bounds decide, not an estimate beside them, and what they assume stays said', () => {
    const assumed = `${range} if no vocab id at the floor of a row moved by over 1 nat`
    const judged = rejudge(boundedBy('pass', assumed, 1.5e-5), { klDivergence: 2e-5 })
    expect(judged.comparisons[0]!.tokens[0]).toMatchObject({
      verdict: 'undecided',
      reason: `${open} if no vocab id at the floor of a row moved by over 1 nat; set a limit outside of that range`,
    })
  })
})
