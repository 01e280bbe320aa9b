import type { RunStatistics, ValueAt } from '../../compare/run-statistics.js'
import { tokenName } from '../../compare/step-ranges.js'
import type { Thresholds } from '../../compare/types.js'
import { counted, significant } from '../../lib/number-text.js'
import { type LimitedKey, OPTIONAL, optionalRow } from '../../metrics/optional/table.js'
import type { ComparisonReport } from '../document.js'
import { escapeHtml, shortNumber } from './escape.js'

type Line = readonly [name: string, value: string]

/** The run as a whole: KL divergence, top-1, the metrics that were asked for, and KL by the golden's confidence. */
export function statisticsTable({ statistics, together }: ComparisonReport): string {
  const all = together
    ? tableOf(`All ${together.runs} runs together, the worst is ${escapeHtml(together.worst)}`, together.statistics)
    : ''
  return all + (statistics ? tableOf(`Statistics of ${counted(statistics.tokens, 'measured token')}`, statistics) : '')
}

function tableOf(title: string, statistics: RunStatistics): string {
  const rows = [...klLines(statistics), ...metricLines(statistics), ...confidenceLines(statistics)]
  const body = rows.map(([name, value]) => `<tr><th scope="row">${name}<td>${value}`)
  return `<details><summary>${title}</summary><table class="statistics">${body.join('')}</table></details>`
}

function klLines({ meanKl, meanKlError, maxKl, klPercentiles, minCosine, top1Agreement }: RunStatistics): Line[] {
  const { value: share, error, tokens } = top1Agreement
  return [
    ['mean KL divergence', `${shortNumber(meanKl)}${about(meanKlError)}`],
    ['highest KL divergence', `${shortNumber(maxKl.value)} at ${placeText(maxKl)}`],
    ...klPercentiles.map(({ percent, value }): Line => [`KL, ${percent} %`, shortNumber(value)]),
    ['lowest cosine similarity', minCosine ? `${significant(minCosine.value, 9)} at ${placeText(minCosine)}` : 'n/a'],
    ['same top-1', `${shortNumber(100 * share)} ± ${shortNumber(100 * error)} % of ${tokens}`],
  ]
}

function metricLines({ metrics = [] }: RunStatistics): Line[] {
  return metrics.map(({ key, mean, error, rms, percentiles, worst }) => {
    const at = [99, 50, 1].map((percent) => {
      return `${percent} % ${shortNumber(percentiles.find((one) => one.percent === percent)!.value)}`
    })
    const square = rms === undefined ? '' : `, RMS ${shortNumber(rms)}`
    const text = `mean ${shortNumber(mean)}${about(error)}${square}, ${at.join(', ')}, worst ${shortNumber(worst.value)} at ${placeText(worst)}`
    return [optionalRow(key).label, text]
  })
}

function confidenceLines({ confidence = [] }: RunStatistics): Line[] {
  return confidence.map(({ from, to, tokens, meanKl, top1Agreement }) => {
    const text = `mean KL ${shortNumber(meanKl)}, same top-1 ${shortNumber(100 * top1Agreement)} % of ${tokens}`
    return [`golden's top probability ${from} to ${to}`, text]
  })
}

/** `token 7`, of several runs with the name of the run. */
function placeText(place: ValueAt): string {
  return escapeHtml(tokenName(place))
}

function about(error: number | undefined): string {
  return error === undefined ? '' : ` ± ${shortNumber(error)}`
}

/** `bf16: KL divergence below 0.005, cosine similarity above 0.999` */
export function limitsText(thresholds: Thresholds): string {
  const { precision, klDivergence, cosineSimilarity } = thresholds
  const others = OPTIONAL.flatMap(({ key, label, better }) => {
    const limit = thresholds[key as LimitedKey]
    if (limit === undefined) return []
    return [`${label} ${{ higher: 'above ', lower: 'below ', 'nearer-zero': 'within ±' }[better!]}${limit}`]
  })
  const first = `${precision}: KL divergence below ${klDivergence}, cosine similarity above ${cosineSimilarity}`
  return [first, ...others].join(', ')
}
