import { needsCandidates } from '../compare/candidates.js'
import { wholeFailure } from '../compare/notes.js'
import type { RunStatistics } from '../compare/run-statistics.js'
import { runStatistics } from '../compare/statistics.js'
import { tokenName } from '../compare/step-ranges.js'
import type { ListedComparison, Thresholds, TokenComparison, Verdict } from '../compare/types.js'
import { printable } from '../errors.js'
import { counted } from '../lib/number-text.js'
import type { OptionalKey } from '../metrics/optional/table.js'
import { failureText } from './message/failure.js'
import { passText } from './message/pass.js'
import type { Problem } from './rows.js'

/** The first key of a report, by which its readers know it. */
export const REPORT_FORMAT = 'golden-logits-report'

/** Changes whenever a reader of the version before would misread the report. */
export const REPORT_VERSION = 1

/**
 * A report as data: JSON, and what the HTML page and the Markdown summary are rendered from. JSON has no NaN and infinities:
 * there they are the strings `NaN`, `Infinity` and `-Infinity`.
 */
export interface ReportDocument {
  readonly format: typeof REPORT_FORMAT
  readonly version: typeof REPORT_VERSION
  readonly comparisons: readonly ComparisonReport[]
}

/** One comparison of a report. */
export interface ComparisonReport {
  /** The name of the test, or the paths of both sides. */
  readonly title: string
  /** Absent if no test made the comparison. */
  readonly test?: TestReport
  readonly goldenPath?: string
  readonly dumpPath?: string
  /** Whether the test's expectation holds or its test passes all the same; without a test, whether the comparison passes. */
  readonly pass: boolean
  /** Why too few tokens were comparable to release on, whether or not one fails: by other limits it may pass. */
  readonly inconclusive?: string
  /** Why the comparison fails as a whole, whether or not its tokens pass: limits on the run, or warnings with `strict`. */
  readonly wholeFailure?: string
  /** How many tokens have each verdict. */
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>
  /** Absent if there are no limits, or no tokens. */
  readonly thresholds?: Thresholds
  /** The optional metrics that were asked for. */
  readonly metrics?: readonly OptionalKey[]
  readonly notes: readonly { readonly weight: 'warning' | 'info'; readonly text: string }[]
  /** What the matcher prints. Absent if a test made the comparison: the runner has printed it. */
  readonly message?: string
  /** What is wrong with the comparison as a whole. */
  readonly problem?: Problem
  /** Absent if no token was measured. */
  readonly statistics?: RunStatistics
  /** Of several runs, with the first: all of them together. */
  readonly together?: { readonly runs: number; readonly statistics: RunStatistics; readonly worst: string }
  /** How many tokens over a limit or undecided have no `candidates`, because others before them have. */
  readonly withoutCandidates?: number
  readonly tokens: readonly TokenComparison[]
}

/** The test that a comparison belongs to. */
export interface TestReport {
  readonly project: string
  readonly file: string
  readonly name: string
  /** Position among the comparisons of the test, from 1. */
  readonly ordinal: number
  /** From 1: Vitest repeats a test with the option `repeats`, and every repetition counts. */
  readonly repetition: number
  readonly attempt: number
  readonly matcher: string
  readonly isNot: boolean
  readonly expectation: 'met' | 'not met' | 'error' | 'unfinished'
  /** The runner says that the test passed, although the expectation is not met: a polled one, or `test.fails`. */
  readonly hasPassed?: true
  readonly durationMs?: number
}

export function reportDocument(comparisons: readonly ComparisonReport[]): ReportDocument {
  return { format: REPORT_FORMAT, version: REPORT_VERSION, comparisons: withDistinctTitles(comparisons) }
}

/** Longer titles are cut in the middle where there is little room. */
export const MOST_TITLE = 300

/**
 * Numbers the comparisons that would show the same title, as comparisons of tests of the same name do: readers could not
 * distinguish them, and pages of JUnit XML merge test cases of the same name.
 */
function withDistinctTitles(comparisons: readonly ComparisonReport[]): ComparisonReport[] {
  const shown = comparisons.map(({ title }) => printable(title, MOST_TITLE))
  const counts = new Map<string, number>()
  const taken = new Set(shown)
  return comparisons.map((report, index) => {
    const name = shown[index]!
    const count = counts.get(name) ?? 0
    counts.set(name, count + 1)
    if (count === 0) return report
    let n = count + 1
    while (taken.has(`${name} (${n})`)) n++
    counts.set(name, n)
    return { ...report, title: `${report.title} (${n})` }
  })
}

/** The report of a comparison that no test made. */
export function comparisonReport(comparison: ListedComparison, title: string): ComparisonReport {
  const { goldenPath, dumpPath, pass, thresholds, metrics, notes, warnings } = comparison
  const inconclusive = comparison.inconclusive ?? comparison.tooFew
  const whole = wholeFailure(comparison)
  return {
    title,
    goldenPath,
    dumpPath,
    pass,
    ...(inconclusive !== undefined && { inconclusive }),
    ...(whole !== undefined && { wholeFailure: whole }),
    thresholds,
    ...(metrics && { metrics }),
    notes: weighed(notes, warnings),
    message: pass ? passText(comparison) : failureText(comparison),
    ...tokensReport([...comparison.tokens]),
  }
}

/**
 * The report of each run of a comparison, in the order of the comparison, so that every one has its own chart and table; the
 * report itself if there is one run. What is said about the comparison as a whole stays with the first.
 */
export function reportByRun(report: ComparisonReport): ComparisonReport[] {
  const runs = new Map<string, TokenComparison[]>()
  for (const token of report.tokens) {
    if (token.run === undefined) return [report]
    const tokens = runs.get(token.run)
    if (tokens) tokens.push(token)
    else runs.set(token.run, [token])
  }
  if (runs.size === 0) return [report]
  const { message, problem, statistics, ...others } = report
  // A failure that no token explains is one of every run.
  const tokenFails = report.tokens.some(({ pass }) => !pass)
  return [...runs].map(([name, tokens], index) => ({
    ...others,
    title: `${report.title}, run ${printable(name, 60)}`,
    pass: report.pass || (tokenFails && tokens.every(({ pass }) => pass)),
    notes: index === 0 ? report.notes : [],
    ...(index === 0 && message !== undefined && { message }),
    ...(index === 0 && problem && { problem }),
    // The run with the highest KL divergence is the worst.
    ...(index === 0 &&
      statistics?.maxKl.run !== undefined && {
        together: { runs: runs.size, statistics, worst: statistics.maxKl.run },
      }),
    ...tokensReport(tokens),
  }))
}

/** Notes with their weight. @param warnings the notes that are warnings */
export function weighed(notes: readonly string[], warnings: readonly string[]): ComparisonReport['notes'] {
  return notes.map((text) => ({ weight: warnings.includes(text) ? 'warning' : 'info', text }))
}

/** The part of a report that the tokens decide. */
export function tokensReport(
  tokens: readonly TokenComparison[],
): Pick<ComparisonReport, 'verdicts' | 'statistics' | 'withoutCandidates' | 'tokens'> {
  const verdicts: Partial<Record<Verdict, number>> = {}
  for (const { verdict } of tokens) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
  const statistics = runStatistics(tokens)
  const without = tokens.some(({ candidates }) => candidates) ? tokens.filter(lacksCandidates).length : 0
  return { verdicts, ...(statistics && { statistics }), ...(without > 0 && { withoutCandidates: without }), tokens }
}

function lacksCandidates(token: TokenComparison): boolean {
  return needsCandidates(token) && !token.candidates
}

/** The first token that fails, or the layer that is named, or the first that fails: for a table of comparisons. */
export function firstFailure({ tokens }: Pick<ComparisonReport, 'tokens'>): TokenComparison | undefined {
  return tokens.find(({ layer }) => layer?.rule !== undefined) ?? tokens.find(({ pass }) => !pass)
}

/** Whether a comparison passes by itself, and not because its test expects it to fail (`.not`, `test.fails`, a poll). */
export function isWithin({ pass, problem, inconclusive, wholeFailure: whole, tokens }: ComparisonReport): boolean {
  const reason = problem ?? inconclusive ?? whole
  return pass && reason === undefined && tokens.every((token) => token.pass)
}

/** Why a comparison fails, in a few words; undefined if nothing in the report says so. */
export function failureSummary(report: ComparisonReport): string | undefined {
  const { problem, inconclusive, wholeFailure: whole } = report
  const first = firstFailure(report)
  const layer = first?.layer ? `${first.layer.name} at ` : ''
  return problem?.reason ?? (first ? `${layer}${tokenName(first)}: ${first.verdict}` : (inconclusive ?? whole))
}

/** `12 tokens: 11 pass, 1 over-threshold`, `31 layers: 30 compared, 1 diverges` */
export function verdictsText({ tokens, verdicts }: Pick<ComparisonReport, 'tokens' | 'verdicts'>): string {
  const hasLayers = tokens.some(({ layer }) => layer)
  // A layer that diverges is one of those compared, too.
  const { 'over-threshold': over = 0, ...others } = verdicts
  const shown = hasLayers ? { ...others, pass: (others.pass ?? 0) + over, 'over-threshold': over } : verdicts
  const words: Readonly<Record<string, string>> = hasLayers ? { pass: 'compared', 'over-threshold': 'diverges' } : {}
  const parts = Object.entries(shown).flatMap(([verdict, count]) =>
    count === 0 ? [] : [`${count} ${words[verdict] ?? verdict}`],
  )
  return `${counted(tokens.length, hasLayers ? 'layer' : 'token')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`
}
