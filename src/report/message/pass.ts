import { metricText } from '../../compare/metric-limits.js'
import { runStatistics } from '../../compare/statistics.js'
import { tokenName } from '../../compare/step-ranges.js'
import type { ListedComparison, TokenComparison } from '../../compare/types.js'
import { significant } from '../../lib/number-text.js'
import { type LimitedKey, optionalRow } from '../../metrics/optional/table.js'
import { GATED } from '../../metrics/table.js'
import { noteLines } from './failure.js'
import { worstRuns } from './run-lines.js'
import { LEAST_TOKENS, statisticsLines } from './statistics-lines.js'
import { gatedText, NO_METRIC, sourceOf } from './token-block.js'

/** The message if every token passes, which `.not` turns into a failure. */
export function passText(comparison: ListedComparison): string {
  const { counts, notes } = comparison
  const others = [
    moreText(counts.notComparable, 'not comparable'),
    moreText(counts.total - counts.passed - counts.notComparable, 'excused by the options'),
  ].filter(Boolean)
  const compared = counts.passed === 1 ? 'The one token compared is' : `All ${counts.passed} tokens compared are`
  const worst = worstLines(comparison)
  return [
    `${compared} within the limits${others.map((text) => `, and ${text}`).join('')}${worst.length > 0 ? ':' : '.'}`,
    '',
    ...worst,
    ...block(statisticsLines(comparison)),
    ...block(worstRuns(comparison)),
    'If the two runs still print different texts, the fault is not in the model but in post-processing: temperature, top-k, top-p or their implementation.',
    ...(notes.length > 0 ? ['', ...noteLines(notes)] : []),
  ].join('\n')
}

function block(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [...lines, '']
}

function moreText(count: number, what: string): string {
  return count === 0 ? '' : `${count} more ${count === 1 ? 'is' : 'are'} ${what}`
}

/** The KL divergence first. */
const METRICS_SHOWN = [...GATED].reverse()

function worstLines(comparison: ListedComparison): string[] {
  const { tokens, thresholds, calibration, baseline } = comparison
  const worst = new Map<string, TokenComparison>()
  for (const token of tokens) {
    if (token.verdict !== 'pass' || !token.metrics) continue
    for (const { key, better } of METRICS_SHOWN) {
      const before = worst.get(key)?.metrics?.[key]
      const value = token.metrics[key]
      if (value === undefined) continue
      if (before === undefined || (better === 'lower' ? value > before : value < before)) worst.set(key, token)
    }
  }
  if (worst.size === 0) return []
  const lines = METRICS_SHOWN.map(({ key, label, better }) => {
    const token = worst.get(key)
    const title = `${better === 'lower' ? 'highest' : 'lowest'} ${label}`
    if (!token) return `  ${title.padEnd(25)}  ${NO_METRIC}: log-probabilities have none`
    const limit = baseline
      ? undefined
      : [thresholds[key], ...sourceOf(key, { thresholds, ...(calibration && { calibration }) })].join(', ')
    const value = `  ${title.padEnd(25)}  ${gatedText(key, token.metrics![key], thresholds)} at ${tokenName(token)}`
    return limit === undefined ? value : `${value}   (limit ${limit})`
  })
  return [...lines, ...optionalLines(comparison), '']
}

/** The worst value of each metric that was asked for, unless the statistics below say it. */
function optionalLines({ tokens, thresholds, metrics = [] }: ListedComparison): string[] {
  if (metrics.length === 0) return []
  const statistics = runStatistics(tokens)
  const isBelow = (statistics?.tokens ?? 0) >= LEAST_TOKENS
  return metrics.flatMap((key) => {
    const { label, better } = optionalRow(key)
    if (!better) return []
    const title = `worst ${label}`.padEnd(25)
    const limit = thresholds[key as LimitedKey]
    const about = limit === undefined ? '' : `   (limit ${limit})`
    const known = statistics?.metrics?.find((one) => one.key === key)
    if (!known) return [`  ${title}  ${NO_METRIC}: not known from these rows`]
    if (isBelow && limit === undefined) return []
    const { value } = known.worst
    const text = limit === undefined ? significant(value, 4) : metricText(value, limit)
    return [`  ${title}  ${text} at ${tokenName(known.worst)}${about}`]
  })
}
