import { printable } from '../errors.js'
import { significant } from '../lib/number-text.js'
import { type ComparisonReport, type ReportDocument, verdictsText } from './document.js'

/** GitHub shows a megabyte of a summary; the first comparisons are enough. */
const MOST_ROWS = 100
const MOST_WARNINGS = 20

/** The report for a step summary of GitHub: a table of the comparisons, failing ones first, and the warnings. */
export function reportMarkdown({ comparisons }: ReportDocument): string {
  const failed = comparisons.filter(({ pass }) => !pass)
  const passed = comparisons.filter(({ pass }) => pass)
  const sorted = [...failed, ...passed]
  const title =
    failed.length === 0
      ? '✅ all within the limits'
      : `❌ ${failed.length} of ${comparisons.length} not within the limits`
  const more = sorted.length > MOST_ROWS ? [`and ${sorted.length - MOST_ROWS} more comparisons`, ''] : []
  return [
    `### golden-logits: ${title}`,
    '',
    '| | comparison | tokens | first failing token | highest KL |',
    '|---|---|---|---|---|',
    ...sorted.slice(0, MOST_ROWS).map(rowOf),
    '',
    ...more,
    ...warningLines(sorted),
  ].join('\n')
}

function rowOf(report: ComparisonReport): string {
  const first = report.tokens.find(({ pass }) => !pass)
  const failure = first ? `${first.step}: ${first.verdict}` : ''
  const kl = report.statistics
    ? `${significant(report.statistics.maxKl.value, 3)} at ${report.statistics.maxKl.step}`
    : ''
  const cells = [report.pass ? '✅' : '❌', cell(report.title), verdictsText(report), failure, kl]
  return `| ${cells.join(' | ')} |`
}

function warningLines(comparisons: readonly ComparisonReport[]): string[] {
  const warnings = comparisons.flatMap(({ title, notes }) =>
    notes.filter(({ weight }) => weight === 'warning').map(({ text }) => `- ${cell(title)}: ${cell(text)}`),
  )
  if (warnings.length === 0) return []
  const more = warnings.length > MOST_WARNINGS ? [`- and ${warnings.length - MOST_WARNINGS} more`] : []
  return ['**Warnings**', '', ...warnings.slice(0, MOST_WARNINGS), ...more, '']
}

/** Text that Markdown and HTML leave as it is. */
function cell(text: string): string {
  return printable(text, 300).replace(/[\\`*_{}[\]()#+!|<>&~-]/g, (character) => `&#${character.charCodeAt(0)};`)
}
