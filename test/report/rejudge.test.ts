import { expect, test } from 'vitest'
import { reportDocument } from '../../src/report/document.js'
import { rejudge } from '../../src/report/rejudge.js'
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
