import type { RunStatistics } from '../compare/run-statistics.js'
import { printable } from '../errors.js'
import { counted, short } from '../lib/number-text.js'
import { optionalRow } from '../metrics/optional/table.js'
import {
  type ComparisonReport,
  failureSummary,
  firstFailure,
  isWithin,
  MOST_TITLE,
  type ReportDocument,
  verdictsText,
} from './document.js'

/** GitHub takes a mebibyte of a summary: names of any characters must fit. The first comparisons are enough. */
const MOST_ROWS = 100
const MOST_LINES = 20

/** The report for a step summary of GitHub: a table of the comparisons, failing ones first, and the warnings. */
export function reportMarkdown({ comparisons }: ReportDocument): string {
  const failed = comparisons.filter(({ pass }) => !pass)
  const passed = comparisons.filter(({ pass }) => pass)
  const sorted = [...failed, ...passed]
  const title =
    failed.length === 0
      ? `✅ all ${comparisons.every(isWithin) ? 'within the limits' : 'as their tests expect'}`
      : `❌ ${failed.length} of ${comparisons.length} not within the limits`
  const more = sorted.length > MOST_ROWS ? [`and ${counted(sorted.length - MOST_ROWS, 'more comparison')}`, ''] : []
  return [
    `### golden-logits: ${title}`,
    '',
    '| | comparison | tokens | first failing token, or why it fails | mean KL | 99 % | highest KL | same top-1 |',
    '|---|---|---|---|---|---|---|---|',
    ...sorted.slice(0, MOST_ROWS).map(rowOf),
    '',
    ...more,
    ...togetherLines(sorted),
    ...metricLines(sorted),
    ...warningLines(sorted),
  ].join('\n')
}

function rowOf(report: ComparisonReport): string {
  const first = firstFailure(report)
  const layer = first?.layer ? `, ${cell(first.layer.name)}` : ''
  const whole = report.pass ? '' : cell(failureSummary(report) ?? '')
  const failure = first ? `${first.step}${layer}: ${first.verdict}` : whole
  const run = report.statistics ? runCells(report.statistics) : ['', '', '', '']
  const cells = [report.pass ? '✅' : '❌', cell(report.title), verdictsText(report), failure, ...run]
  return `| ${cells.join(' | ')} |`
}

/** Mean, 99th percentile and maximum of the KL divergence, and the share of tokens with the same top-1. */
function runCells({ meanKl, meanKlError, maxKl, klPercentiles, top1Agreement }: RunStatistics): string[] {
  const p99 = klPercentiles.find(({ percent }) => percent === 99)!.value
  const { value, error } = top1Agreement
  return [
    `${short(meanKl)}${meanKlError === undefined ? '' : ` ± ${short(meanKlError)}`}`,
    short(p99),
    `${short(maxKl.value)} at ${maxKl.step}`,
    `${short(100 * value)} ± ${short(100 * error)} %`,
  ]
}

/** Several runs of one comparison, together. */
function togetherLines(comparisons: readonly ComparisonReport[]): string[] {
  const lines = comparisons.flatMap(({ title, together }) => {
    if (!together) return []
    const [mean, p99, highest, top1] = runCells(together.statistics)
    const worst = cell(together.worst)
    const numbers = `mean KL ${mean}, 99 % ${p99}, highest ${highest} of ${worst}, same top-1 ${top1}`
    return [`- ${cell(title)}: all ${together.runs} runs together: ${numbers}`]
  })
  return lines.length === 0 ? [] : [...firstLines(lines), '']
}

/** The metrics that were asked for, one line a comparison. */
function metricLines(comparisons: readonly ComparisonReport[]): string[] {
  const lines = comparisons.flatMap(({ title, statistics }) => {
    const texts = (statistics?.metrics ?? []).map(({ key, mean, worst }) => {
      return `${optionalRow(key).label} ${short(mean)}, worst ${short(worst.value)} at ${worst.step}`
    })
    return texts.length === 0 ? [] : [`- ${cell(title)}: ${texts.join('; ')}`]
  })
  return lines.length === 0 ? [] : ['**Means of more metrics**', '', ...firstLines(lines), '']
}

function warningLines(comparisons: readonly ComparisonReport[]): string[] {
  const warnings = comparisons.flatMap(({ title, notes }) =>
    notes.filter(({ weight }) => weight === 'warning').map(({ text }) => `- ${cell(title)}: ${cell(text)}`),
  )
  if (warnings.length === 0) return []
  return ['**Warnings**', '', ...firstLines(warnings), '']
}

function firstLines(lines: readonly string[]): string[] {
  const more = lines.length > MOST_LINES ? [`- and ${lines.length - MOST_LINES} more`] : []
  return [...lines.slice(0, MOST_LINES), ...more]
}

/** Text that Markdown and HTML leave as it is. */
function cell(text: string): string {
  return printable(text, MOST_TITLE).replace(
    /[\\`*_{}[\]()#+!|<>&~$-]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  )
}
