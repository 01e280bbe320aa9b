import { failsByWarnings, hasStrictWarnings } from '../../compare/notes.js'
import { RangesByKey, tokenName } from '../../compare/step-ranges.js'
import type { ListedComparison, TokenComparison } from '../../compare/types.js'
import { printable } from '../../errors.js'
import { firstOf } from '../../lib/lazy-list.js'
import { counted } from '../../lib/number-text.js'
import { likelyCause } from './likely-cause.js'
import { runLines, togetherLines, worstRuns } from './run-lines.js'
import { statisticsLines } from './statistics-lines.js'
import { tokenBlock } from './token-block.js'

const MAX_NOTES = 6
const MAX_WARNINGS = 10

/** Explains a comparison that does not pass, in at most about 40 lines. Follows the matcher's hint. */
export function failureText(comparison: ListedComparison): string {
  const { worstRun } = comparison
  if (worstRun) return [...failingRuns(comparison), '', oneFailureText(worstRun)].join('\n')
  return oneFailureText(comparison)
}

/** The runs that fail, the worst first, and all of them together. */
function failingRuns(comparison: ListedComparison): string[] {
  const { runs = [] } = comparison
  const failing = runs.filter(({ pass }) => !pass)
  const verb = failing.length === 1 ? 'fails' : 'fail'
  return [
    `${failing.length} of ${runs.length} runs ${verb}, the worst is ${printable(failing[0]!.name, 60)}`,
    '',
    ...runLines(failing),
    ...togetherLines(comparison),
  ]
}

function oneFailureText(comparison: ListedComparison): string {
  const { tokens, firstFailure, inconclusive, run = [] } = comparison
  const runFailure = run.find(({ verdict }) => verdict === 'over-threshold' || verdict === 'undecided')
  const over = firstOf(tokens, (token) => token.verdict === 'over-threshold' && !token.pass)
  const lines: string[] = []
  if (firstFailure && !isSameToken(firstFailure, over)) {
    lines.push(
      `First failing token: ${tokenName(firstFailure)}, ${firstFailure.verdict}     (${countsText(comparison)})`,
      '',
    )
    lines.push(...tokenBlock(comparison, firstFailure), '')
    if (over) lines.push(`First token over threshold: ${tokenName(over)}`, '')
  } else if (over) {
    lines.push(`First token over threshold: ${tokenName(over)}     (${countsText(comparison)})`, '')
  } else if (runFailure) {
    lines.push(`No token fails, but the run does: ${runFailure.reason}     (${countsText(comparison)})`, '')
  } else if (failsByWarnings(comparison)) {
    lines.push(`No token fails, but the warnings do     (${countsText(comparison)})`, '')
  } else if (inconclusive !== undefined) {
    lines.push(`Inconclusive: ${inconclusive}.`, '', `  ${countsText(comparison)}`, '')
  } else lines.push(`No token was compared     (${countsText(comparison)})`, '')
  if (over) lines.push(...tokenBlock(comparison, over), '', likelyCause(comparison, over), '')
  const statistics = statisticsLines(comparison)
  if (statistics.length > 0) lines.push(...statistics, '')
  const runs = worstRuns(comparison)
  if (runs.length > 0) lines.push(...runs, '')
  lines.push(...failingLines(comparison, over), ...strictLines(comparison), ...noteLines(otherNotes(comparison)))
  while (lines.at(-1) === '') lines.pop()
  return lines.join('\n')
}

/** `12 tokens compared, 1 over, 0 missing`, and the other counts that are not zero. */
export function countsText({
  counts,
  tokens = [],
}: Pick<ListedComparison, 'counts'> & { tokens?: Iterable<{ readonly verdict: string }> }): string {
  let undecided = 0
  if (counts.failed > 0) for (const { verdict } of tokens) if (verdict === 'undecided') undecided++
  const parts = [
    `${counted(counts.compared, 'token')} compared`,
    `${counts.overThreshold} over`,
    `${counts.missing} missing`,
  ]
  if (counts.extra > 0) parts.push(`${counts.extra} extra`)
  if (undecided > 0) parts.push(`${undecided} undecided`)
  if (counts.failed > undecided) parts.push(`${counts.failed - undecided} without a result`)
  if (counts.unreadable > 0) parts.push(`${counts.unreadable} unreadable`)
  if (counts.notComparable > 0) parts.push(`${counts.notComparable} of them not comparable`)
  return parts.join(', ')
}

function isSameToken(a: TokenComparison, b: TokenComparison | undefined): boolean {
  return a.step === b?.step && a.position === b.position && a.run === b.run
}

/** Every token that fails, by verdict, unless the blocks above already show all of them. */
function failingLines({ tokens, firstFailure }: ListedComparison, over: TokenComparison | undefined): string[] {
  const byVerdict = new RangesByKey<string>()
  let total = 0
  for (const token of tokens) {
    if (token.pass) continue
    byVerdict.add(token.verdict, token)
    total++
  }
  if (total <= 1 || (total === 2 && over && !isSameToken(firstFailure!, over))) return []
  const verdicts = [...byVerdict]
  const width = Math.max(...verdicts.map(([verdict]) => verdict.length))
  return [...verdicts.map(([verdict, ranges]) => `  ${verdict.padEnd(width)}  ${ranges}`), '']
}

/** The warnings that `strict` makes fail. */
function strictLines(comparison: ListedComparison): string[] {
  if (!hasStrictWarnings(comparison)) return []
  const { warnings } = comparison
  const more = warnings.length > MAX_WARNINGS ? [`  and ${warnings.length - MAX_WARNINGS} more warnings`] : []
  return [
    'With the option strict: true, warnings make the comparison fail:',
    ...warnings.slice(0, MAX_WARNINGS).map((text) => `  warning: ${printable(text, 300)}`),
    ...more,
    '',
  ]
}

/** The notes that the message does not show above. */
function otherNotes(comparison: ListedComparison): readonly string[] {
  const { notes, warnings, run = [] } = comparison
  const shown = new Set([...run.map(({ reason }) => reason), ...(hasStrictWarnings(comparison) ? warnings : [])])
  return notes.filter((note) => !shown.has(note))
}

/** What was guessed, chosen or left out. */
export function noteLines(notes: readonly string[]): string[] {
  const some = notes.slice(0, MAX_NOTES).map((note) => `  note: ${printable(note, 300)}`)
  return notes.length > MAX_NOTES ? [...some, `  and ${notes.length - MAX_NOTES} more notes`] : some
}
