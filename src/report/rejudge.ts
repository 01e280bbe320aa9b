import { overCosine, overKl } from '../compare/rounding.js'
import type { Thresholds, TokenComparison } from '../compare/types.js'
import { GATED, type GatedKey } from '../metrics/table.js'
import { type ComparisonReport, type ReportDocument, reportDocument, tokensReport } from './document.js'

/** Limits that replace those of a report. */
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
  const judged = GATED.filter(({ key }) => limits[key] !== undefined)
  const over = judged.map(({ key }) =>
    key === 'klDivergence' ? overKl(metrics[key], thresholds) : overCosine(metrics[key], thresholds),
  )
  // A limit that stays was judged with more than the report holds: its reason stays, too.
  // With a limit set by hand, the relative spread does not count.
  const replaced = [...judged.map(({ label }) => `${label} `), 'relative spread ']
  const kept = reason.split('; ').filter((part) => !replaced.some((start) => part.startsWith(start)))
  const failing = [...over, ...(verdict === 'pass' ? [] : kept)].filter((part) => part !== '')
  if (failing.length > 0) return { ...token, verdict: 'over-threshold', pass: false, reason: failing.join('; ') }
  return { ...token, verdict: 'pass', pass: true, reason: kept.join('; ') }
}
