import { wholeFailure } from '../compare/notes.js'
import type { ListedComparison } from '../compare/types.js'
import { printable } from '../errors.js'
import { countsText } from '../report/message/failure.js'
import { sparkLine } from '../report/message/token-block.js'

/** @returns the exit code of a comparison: what is over a limit comes before what could not be decided */
export function exitCodeOf({
  pass,
  tokens,
  inconclusive,
}: Pick<ListedComparison, 'pass' | 'tokens' | 'inconclusive'>): number {
  if (pass) return 0
  const failing = new Set<string>()
  for (const token of tokens) if (!token.pass) failing.add(token.verdict)
  const undecided = failing.delete('undecided')
  const unreadable = failing.delete('unreadable')
  if (failing.size > 0) return 1
  if (unreadable) return 3
  return undecided || inconclusive !== undefined ? 4 : 1
}

/** The last lines of a command: the verdict with its counts, and the KL divergence by token. */
export function verdictLines(comparison: ListedComparison): string[] {
  const { pass, firstFailure, inconclusive } = comparison
  const reason = pass || firstFailure ? undefined : (inconclusive ?? wholeFailure(comparison))
  const why = reason === undefined ? '' : `; ${printable(reason, 600)}`
  const isInconclusive = !pass && !firstFailure && inconclusive !== undefined
  const state = pass ? 'within the limits' : isInconclusive ? 'inconclusive' : 'not within the limits'
  const verdict = `${state}: ${countsText(comparison)}${why}`
  return countMeasured(comparison) > 1 ? [verdict, `KL by token ${sparkLine(comparison)}`] : [verdict]
}

/** The KL divergence of a row of a compact snapshot is known within bounds only. */
function countMeasured({ tokens }: ListedComparison): number {
  let count = 0
  for (const { metrics } of tokens) if (metrics) count++
  return count
}
