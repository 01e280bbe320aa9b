import { overCosine, overKl } from '../compare/rounding.js'
import type { Thresholds, TokenComparison } from '../compare/types.js'
import { GATED, type GatedKey } from '../metrics/table.js'
import { type ComparisonReport, type ReportDocument, reportDocument, tokensReport } from './document.js'

/** Limits that replace the limits of a report. */
export type NewLimits = Partial<Record<GatedKey, number>>

/**
 * Judges the tokens of a report by other limits, without the dumps. The new limits are hard: no rounding excuses what is over
 * them. What does not depend on the limits (a missing token, probability on suppressed ids …) stays as it was.
 */
export function rejudge({ comparisons }: ReportDocument, limits: NewLimits): ReportDocument {
  return reportDocument(comparisons.map((comparison) => rejudgeComparison(comparison, limits)))
}

function rejudgeComparison(report: ComparisonReport, limits: NewLimits): ComparisonReport {
  if (!report.thresholds) return report
  const thresholds: Thresholds = { ...report.thresholds, ...limits }
  const tokens = report.tokens.map((token) => rejudgeToken(token, thresholds, limits))
  const { message: _, ...rest } = report
  const isWithin = tokens.every(({ pass }) => pass) && report.inconclusive === undefined && report.problem === undefined
  return { ...rest, pass: report.test?.isNot ? !isWithin : isWithin, thresholds, ...tokensReport(tokens) }
}

function rejudgeToken(token: TokenComparison, thresholds: Thresholds, limits: NewLimits): TokenComparison {
  const { verdict, metrics, reason } = token
  const isJudged = verdict === 'pass' || verdict === 'over-threshold'
  if (!metrics || !isJudged || Object.keys(limits).length === 0) return token
  if (token.bounds) return rejudgeBounds(token, thresholds)
  const judged = GATED.filter(({ key }) => limits[key] !== undefined && metrics[key] !== undefined)
  const over = judged.map(({ key }) =>
    key === 'klDivergence' ? overKl(metrics[key], thresholds) : overCosine(metrics[key]!, thresholds),
  )
  // A limit that stays was judged with more than the report holds: its reason stays, too.
  // With a limit set by hand, the relative spread does not count.
  const replaced = [...judged.map(({ label }) => `${label} `), 'relative spread ']
  const kept = reason.split('; ').filter((part) => !replaced.some((start) => part.startsWith(start)))
  const failing = [...over, ...(verdict === 'pass' ? [] : kept)].filter((part) => part !== '')
  if (failing.length > 0) return { ...token, verdict: 'over-threshold', pass: false, reason: failing.join('; ') }
  return { ...token, verdict: 'pass', pass: true, reason: kept.join('; ') }
}

/** Of rounded log-probabilities, the KL divergence within its bounds decides, not its estimate. */
function rejudgeBounds(token: TokenComparison, thresholds: Thresholds): TokenComparison {
  const { lo, hi } = token.bounds!.klDivergence
  const limit = thresholds.klDivergence
  const range = `KL divergence lies in [${lo}, ${hi}]`
  if (!(lo < limit)) return { ...token, verdict: 'over-threshold', pass: false, reason: overKl(lo, thresholds) }
  if (hi < limit) return { ...token, verdict: 'pass', pass: true, reason: range }
  const reason = `${range}, its limit ${limit} between; set a limit outside of that range`
  return { ...token, verdict: 'undecided', pass: false, reason }
}
