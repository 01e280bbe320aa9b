import type { Metrics, NonFinite } from '../metrics/types.js'
import type { ColumnCut } from './column-cut.js'
import type { PairOutcome } from './measure-pair.js'
import { cosineText, roundedAway } from './rounded-away.js'
import type { Thresholds, TokenComparison, TokenSide, Verdict } from './types.js'

/** The verdict on one step that both sides hold. */
export function judgePair(step: number, outcome: PairOutcome, limits: Thresholds): TokenComparison {
  const { golden, dump } = outcome
  const failed = (verdict: Verdict, reason: string): TokenComparison => ({
    step,
    verdict,
    pass: false,
    reason,
    golden,
    dump,
  })
  if (outcome.kind !== 'compared') return failed(outcome.kind, outcome.reason)
  const { rows, cut } = outcome
  if (rows.kind === 'no-support') {
    const side = rows.side === 'both' ? 'both sides' : `the ${rows.side}`
    return failed('non-finite', `every logit of ${side} is -Inf`)
  }
  if (rows.kind === 'non-finite') {
    golden.nonFinite = rows.golden
    dump.nonFinite = rows.dump
    return failed('non-finite', nonFiniteReason(rows.golden, rows.dump))
  }
  Object.assign(golden, rows.golden)
  Object.assign(dump, rows.dump)
  const cutReason = cut && overCut(cut, limits.klDivergence)
  if (cutReason !== undefined) return failed('shape-mismatch', cutReason)
  const reason = overThreshold(rows.metrics, limits)
  const verdict: Verdict = reason === '' ? 'pass' : 'over-threshold'
  const token: TokenComparison = {
    step,
    verdict,
    pass: verdict === 'pass',
    reason,
    metrics: rows.metrics,
    golden,
    dump,
  }
  if (rows.support.bothSuppressed + rows.support.goldenOnly + rows.support.dumpOnly > 0) token.support = rows.support
  return token
}

/** The verdict on a step of one side alone. */
export function judgeSingle(
  step: number,
  side: 'golden' | 'dump',
  files: TokenSide,
  allowed: boolean,
): TokenComparison {
  const verdict: Verdict = side === 'golden' ? 'missing' : 'extra'
  const [has, hasNot] = side === 'golden' ? ['golden', 'dump'] : ['dump', 'golden']
  return {
    step,
    verdict,
    pass: allowed,
    reason: `the ${has} holds token ${step}, the ${hasNot} does not`,
    [side]: files,
  }
}

/** The metrics that have limits, or those limits. */
export type GatedMetrics = Pick<Metrics, 'klDivergence' | 'cosineSimilarity'>

/** All limits are strict, so that NaN keeps none. */
export function isWithin(metrics: GatedMetrics, limits: GatedMetrics): boolean {
  return metrics.klDivergence < limits.klDivergence && metrics.cosineSimilarity > limits.cosineSimilarity
}

/** Which limits are not kept, in one line; `''` where all are. */
function overThreshold(metrics: GatedMetrics, limits: GatedMetrics): string {
  if (isWithin(metrics, limits)) return ''
  const reasons: string[] = []
  if (!(metrics.klDivergence < limits.klDivergence)) {
    reasons.push(
      `KL divergence ${roundedAway(metrics.klDivergence, limits.klDivergence)} is not below ${limits.klDivergence}`,
    )
  }
  if (!(metrics.cosineSimilarity > limits.cosineSimilarity)) {
    const value = cosineText(metrics.cosineSimilarity, limits.cosineSimilarity)
    reasons.push(`cosine similarity ${value} is not above ${limits.cosineSimilarity}`)
  }
  return reasons.join('; ')
}

/** Columns that hold as much probability as the KL limit are no padding. */
export function overCut(cut: ColumnCut, limit: number): string | undefined {
  for (const [side, columns, mass] of [
    ['golden', cut.goldenColumns, cut.goldenMass] as const,
    ['dump', cut.dumpColumns, cut.dumpMass] as const,
  ]) {
    if (mass < limit) continue
    const found = Number.isNaN(mass) ? 'NaN or +Inf' : `${roundedAway(mass, limit)} of its probability`
    const cut = columns === 1 ? '1 column' : `${columns} columns`
    const hold = columns === 1 ? 'holds' : 'hold'
    return `the ${cut} of the ${side} that vocabSize cuts off ${hold} ${found}, not below the KL limit ${limit}`
  }
  return undefined
}

function nonFiniteReason(golden: NonFinite, dump: NonFinite): string {
  return [one('golden', golden), one('dump', dump)].filter((text) => text !== '').join('; ')
}

function one(side: string, { nan, positiveInfinity, firstVocabId }: NonFinite): string {
  const found = [nan > 0 ? `${nan} NaN` : '', positiveInfinity > 0 ? `${positiveInfinity} +Inf` : ''].filter(Boolean)
  return found.length === 0 ? '' : `${side} holds ${found.join(' and ')}, first at vocab id ${firstVocabId}`
}
