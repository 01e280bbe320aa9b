import { judgeBoundsByHand, rangesText } from '../compare/judge-bounds.js'
import { OPEN } from '../compare/rounded-away.js'
import { overCosine, overKl } from '../compare/rounding.js'
import type { Thresholds, TokenComparison } from '../compare/types.js'
import type { MetricBounds } from '../measure/outcome.js'
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
  const { test, inconclusive, problem, wholeFailure } = report
  const why = [inconclusive, problem, wholeFailure].some((reason) => reason !== undefined)
  // A report of a version before these fields does not say why it fails.
  const fails = why || (!report.pass && !test?.isNot && report.tokens.every(({ pass }) => pass))
  const isWithin = !fails && tokens.every(({ pass }) => pass)
  // The test accepts that this comparison fails: by other limits it would, too, or it would pass.
  const pass = test?.hasPassed ?? (test?.isNot ? !isWithin : isWithin)
  return { ...rest, pass, thresholds, ...tokensReport(tokens) }
}

function rejudgeToken(token: TokenComparison, thresholds: Thresholds, limits: NewLimits): TokenComparison {
  const { verdict, metrics, bounds, reason } = token
  if (Object.keys(limits).length === 0) return token
  if (bounds) return rejudgeBounds(token, bounds, limits)
  const isJudged = verdict === 'pass' || verdict === 'over-threshold'
  if (!metrics || !isJudged) return token
  const judged = GATED.filter(({ key }) => limits[key] !== undefined && metrics[key] !== undefined)
  const over = judged.map(({ key }) =>
    key === 'klDivergence' ? overKl(metrics[key], thresholds) : overCosine(metrics[key]!, thresholds),
  )
  const kept = keptParts(reason, judged)
  const failing = [...over, ...(verdict === 'pass' ? [] : kept)].filter((part) => part !== '')
  if (failing.length > 0) return { ...token, verdict: 'over-threshold', pass: false, reason: failing.join('; ') }
  return { ...token, verdict: 'pass', pass: true, reason: kept.join('; ') }
}

/**
 * The parts of a reason that the new limits do not replace. A limit that stays was judged with more than the report holds: its
 * reason stays, too. With a limit set by hand, the relative spread does not count.
 */
function keptParts(reason: string, judged: readonly { label: string }[]): string[] {
  const replaced = [...judged.map(({ label }) => `${label} `), 'relative spread ']
  return reason.split('; ').filter((part) => !replaced.some((start) => part.startsWith(start)))
}

/** Of a token that is known within bounds, the bounds decide: never an estimate beside them. */
function rejudgeBounds(token: TokenComparison, bounds: MetricBounds, limits: NewLimits): TokenComparison {
  const { verdict, reason } = token
  if (verdict !== 'pass' && verdict !== 'over-threshold' && verdict !== 'undecided') return token
  const judged = GATED.filter(({ key }) => limits[key] !== undefined && bounds[key])
  const kept = keptParts(reason, judged)
  const { over, open } = judgeBoundsByHand(bounds, limits)
  const failing = [...over, ...(verdict === 'over-threshold' ? kept : [])]
  if (failing.length > 0) return { ...token, verdict: 'over-threshold', pass: false, reason: failing.join('; ') }
  const condition = / if [^;]+/.exec(reason)?.[0] ?? ''
  if (open.length > 0) {
    const text = `${open.join('; ')}${condition}; set a limit outside of that range`
    return { ...token, verdict: 'undecided', pass: false, reason: text }
  }
  // Undecided for another reason than the limits that are replaced.
  const wasOpen = (part: string) => part.includes(OPEN)
  if (verdict === 'undecided' && (kept.some(wasOpen) || !reason.split('; ').some(wasOpen))) return token
  const { klDivergence: kl, cosineSimilarity: cosine } = bounds
  const ranges = [
    { label: 'KL divergence', bounds: kl },
    ...(cosine ? [{ label: 'cosine similarity', bounds: cosine }] : []),
  ]
  return { ...token, verdict: 'pass', pass: true, reason: rangesText(ranges) + condition }
}
