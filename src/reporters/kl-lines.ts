import { styleText } from 'node:util'
import { printable } from '../errors.js'
import { counted } from '../lib/number-text.js'
import { sparkLine } from '../report/message/token-block.js'
import { comparisonTitle } from '../report/rows.js'
import type { SpooledComparison } from './spool-reader.js'
import { spooledTokens } from './spool-reader.js'

/** Comparisons with a line of their own, failing ones first. */
const MOST_LINES = 20
/** Tokens are parsed again for their marks: a longer run prints no lines. */
const MOST_TOKENS = 50_000

/** A comparison of a run, and whether its test's expectation holds. */
export interface JudgedComparison {
  readonly comparison: SpooledComparison
  readonly isMet: boolean
}

/**
 * The KL divergence by token of each comparison, one line each, for the runner's terminal: a comparison without limits, or
 * with fewer than two measured tokens, has none.
 */
export function klLines(judged: readonly JudgedComparison[]): string[] {
  const total = judged.reduce((sum, { comparison }) => sum + comparison.tokens, 0)
  if (total > MOST_TOKENS) return []
  const sorted = [...judged.filter(({ isMet }) => !isMet), ...judged.filter(({ isMet }) => isMet)]
  const lines = sorted.flatMap(({ comparison }) => lineOf(comparison))
  if (lines.length <= MOST_LINES) return lines
  return [
    ...lines.slice(0, MOST_LINES),
    `and ${counted(lines.length - MOST_LINES, 'more comparison')}; the report has all of them`,
  ]
}

function lineOf(comparison: SpooledComparison): string[] {
  const { started, thresholds } = comparison
  if (!thresholds) return []
  const tokens = [...spooledTokens(comparison)]
  if (tokens.filter(({ metrics }) => metrics?.klDivergence !== undefined).length < 2) return []
  const title = printable(comparisonTitle(started), 150)
  return [`KL by token ${coloured(sparkLine({ tokens, thresholds }))}  ${title}`]
}

/** Marks below the limit are green, others red, if stderr shows colours (`NO_COLOR`, `FORCE_COLOR`, a terminal). */
function coloured(marks: string): string {
  const options = { stream: process.stderr }
  return marks
    .replace(/[▁▂▃]+/g, (part) => styleText('green', part, options))
    .replace(/[▅▆▇█]+/g, (part) => styleText('red', part, options))
}
