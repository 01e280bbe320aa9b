import type { RunStatistics } from '../compare/run-statistics.js'
import { tokenName } from '../compare/step-ranges.js'
import { optionalRow } from '../metrics/optional/table.js'
import { type ComparisonReport, failureSummary, firstFailure, type ReportDocument, verdictsText } from './document.js'
import { escapeHtml } from './html/escape.js'

type Fact = readonly [name: string, value: string | number]
type Attributes = Readonly<Record<string, string | number>>

const LONGEST_TEXT = 20_000

/** The percentiles of the KL divergence that are shown. */
const PERCENTS = [99, 90, 50]

/** The first line of every report, after the XML declaration. Its readers know the report by it. */
export const JUNIT_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="golden-logits"'

/**
 * The report as JUnit XML, for the test pages of GitLab, Jenkins and others: a test suite for each comparison, with its
 * numbers as `properties` and one test case, whose class is the test file. (The properties are the suite's, because the
 * schema `junit-10.xsd` allows none in a test case, and the xUnit plugin of Jenkins skips a file that breaks it.) It agrees
 * with the runner: a comparison fails only if its test does.
 */
export function reportJunit({ comparisons }: ReportDocument): string {
  const lines = comparisons.flatMap(suiteLines)
  return [`${JUNIT_HEAD}${attributes(totals(comparisons))}>`, ...lines, '</testsuites>', ''].join('\n')
}

function totals(reports: readonly ComparisonReport[]): Attributes {
  const failed = reports.filter(({ pass }) => !pass)
  // There was no comparison, or it did not end.
  const errors = failed.filter(({ problem }) => problem).length
  const time = reports.reduce((sum, report) => sum + seconds(report), 0)
  // In whole milliseconds: sums of fractions have many digits.
  return { tests: reports.length, failures: failed.length - errors, errors, time: Math.round(1000 * time) / 1000 }
}

function seconds({ test }: ComparisonReport): number {
  return (test?.durationMs ?? 0) / 1000
}

function suiteLines(report: ComparisonReport): string[] {
  const { title: name, test, pass } = report
  const classname = [test?.project, test?.file].filter((text) => text).join(' > ') || 'golden-logits'
  const testcase = `    <testcase${attributes({ classname, name, time: seconds(report) })}`
  return [
    `  <testsuite${attributes({ name, ...totals([report]) })}>`,
    '    <properties>',
    ...factsOf(report).map(([fact, value]) => `      <property${attributes({ name: fact, value })}/>`),
    '    </properties>',
    ...(pass ? [`${testcase}/>`] : [`${testcase}>`, ...failureLines(report), '    </testcase>']),
    '  </testsuite>',
  ]
}

function failureLines(report: ComparisonReport): string[] {
  const first = firstFailure(report)
  const { message, problem, inconclusive } = report
  const type = problem?.verdict ?? first?.verdict ?? (inconclusive === undefined ? 'failed' : 'inconclusive')
  const short = failureSummary(report) ?? verdictsText(report)
  const text = message ?? problem?.reason ?? first?.reason ?? short
  const element = problem ? 'error' : 'failure'
  // Each line is escaped by itself, so that the line breaks stay.
  const lines = text.slice(0, LONGEST_TEXT).split('\n')
  const escaped = lines.map((line) => escapeXml(line)).join('\n')
  return [`      <${element}${attributes({ type, message: short })}>${escaped}</${element}>`]
}

function factsOf(report: ComparisonReport): Fact[] {
  const { goldenPath, dumpPath, test, thresholds, statistics, tokens, verdicts, notes, inconclusive } = report
  const first = firstFailure(report)
  return present([
    ['golden_path', goldenPath],
    ['dump_path', dumpPath],
    ['matcher', test && `${test.isNot ? 'not.' : ''}${test.matcher}`],
    ['repetition', test?.repetition],
    ['attempt', test?.attempt],
    ['expectation', test?.expectation],
    ['kl_limit', thresholds?.klDivergence],
    ['cosine_limit', thresholds?.cosineSimilarity],
    ['tokens', tokens.length],
    ...Object.entries(verdicts).map(([verdict, count]): Fact => [`tokens_${verdict}`, count]),
    ['first_failing_token', first && tokenName(first)],
    ['first_failing_layer', first?.layer?.name],
    ['first_failing_kl_divergence', first?.metrics?.klDivergence],
    ['first_failing_cosine_similarity', first?.metrics?.cosineSimilarity],
    ...statisticsOf(statistics),
    ['inconclusive', inconclusive],
    ['whole_failure', report.wholeFailure],
    ...notes.map(({ weight, text }): Fact => [weight === 'warning' ? 'warning' : 'note', text]),
  ])
}

function statisticsOf(statistics: RunStatistics | undefined): (readonly [string, string | number | undefined])[] {
  if (!statistics) return []
  const { meanKl, maxKl, klPercentiles, minCosine, top1Agreement, metrics = [] } = statistics
  return [
    ['kl_divergence_mean', meanKl],
    ...klPercentiles
      .filter(({ percent }) => PERCENTS.includes(percent))
      .map(({ percent, value }): Fact => [`kl_divergence_p${percent}`, value]),
    ['kl_divergence_max', maxKl.value],
    ['kl_divergence_max_token', tokenName(maxKl)],
    ['cosine_similarity_min', minCosine?.value],
    ['top1_agreement', top1Agreement.value],
    ...metrics.flatMap(({ key, mean, worst }): Fact[] => {
      const { csvName } = optionalRow(key)
      return [
        [`${csvName}_mean`, mean],
        [`${csvName}_worst`, worst.value],
      ] as const
    }),
  ]
}

function present(facts: readonly (readonly [string, string | number | undefined])[]): Fact[] {
  return facts.filter((fact): fact is Fact => fact[1] !== undefined)
}

function attributes(values: Attributes): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('')
}

/** The characters that XML 1.0 does not allow and `escapeHtml` leaves become U+FFFD. */
function escapeXml(text: string): string {
  return escapeHtml(text).replace(/[\uFFFE\uFFFF]/g, '\uFFFD')
}
