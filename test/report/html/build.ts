import type { TokenComparison } from '../../../src/compare/types.js'
import { compareDumps, loadDump } from '../../../src/index.js'
import { type ComparisonReport, comparisonReport } from '../../../src/report/document.js'
import { logits } from '../../build/logits.js'
import { torchDump } from '../../build/pair.js'
import { tree } from '../../fixtures/trees.js'

/** The report of two dumps of a fixture tree. */
export function treeReport(name: Parameters<typeof tree>[0], title: string = name): ComparisonReport {
  const comparison = compareDumps(loadDump(tree(name, 'my')), loadDump(tree(name, 'golden')), { dtype: 'bf16' })
  return comparisonReport(comparison, title)
}

/** A report with a missing, an extra, an unreadable and a non-finite token. */
export function partlyMissing(): ComparisonReport {
  const row = (seed: number) => ({ values: logits(seed) })
  const golden = torchDump([row(0), row(1), row(2), row(3), row(4), row(5), null])
  const bad = { values: logits(4).with(2, Number.NaN) }
  const dump = torchDump([row(0), row(1), null, 'no tensor', bad, row(5), row(6)])
  return comparisonReport(compareDumps(dump, golden), 'partly missing')
}

/** A report of greedy runs that read different texts behind a near-tie at token 1, so that two of eight tokens are judged. */
export function inconclusive(): ComparisonReport {
  const tie = (first: number, second: number) => ({ values: logits(1).with(3, first).with(4, second) })
  const rows = (seed: number) => Array.from({ length: 6 }, (_, step) => ({ values: logits(seed + step) }))
  const golden = torchDump([{ values: logits(0) }, tie(30, 29.9), ...rows(2)])
  const dump = torchDump([
    { values: logits(0).map((logit, id) => logit + (id === 0 ? 0.001 : 0)) },
    tie(29.9, 30),
    ...rows(20),
  ])
  return comparisonReport(compareDumps(dump, golden, { dtype: 'bf16' }), 'inconclusive')
}

/** A report of that many tokens: each has the numbers of a real one, and one in a hundred fails. */
export function longReport(tokens: number, title: string): ComparisonReport {
  const report = treeReport('b_token3_degraded', title)
  const made = Array.from({ length: tokens }, (_, step): TokenComparison => {
    const token = report.tokens[step % 100 === 3 ? 3 : step % 3]!
    return { ...token, step }
  })
  return { ...report, tokens: made }
}
