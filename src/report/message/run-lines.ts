import { runStatistics } from '../../compare/statistics.js'
import { tokenName } from '../../compare/step-ranges.js'
import type { Counts, ListedComparison, RunResult } from '../../compare/types.js'
import { printable } from '../../errors.js'
import { counted, short } from '../../lib/number-text.js'

/** More runs than these are counted only. */
const MAX_RUNS = 5

/** One line a run: its tokens, KL divergence and top-1. @param runs the worst first */
export function runLines(runs: readonly RunResult[]): string[] {
  const some = runs.slice(0, MAX_RUNS).map((run) => ({ ...run, name: printable(run.name, 60) }))
  const names = Math.max(...some.map(({ name }) => name.length))
  const counts = some.map((run) => tokensText(run.counts))
  const width = Math.max(...counts.map(({ length }) => length))
  const lines = some.map(({ name, statistics }, i) => {
    return `  ${name.padEnd(names)}  ${counts[i]!.padEnd(width)}  ${statistics ? klText(statistics) : ''}`.trimEnd()
  })
  return runs.length > MAX_RUNS ? [...lines, `  and ${runs.length - MAX_RUNS} more runs`] : lines
}

/** The runs with the highest KL divergence, if there are several. */
export function worstRuns({ runs = [] }: ListedComparison): string[] {
  return runs.length > 1
    ? [`  ${runs.length} runs, the one with the highest KL divergence first:`, ...runLines(runs)]
    : []
}

/** `12 tokens, 1 over, 2 missing`, without the counts that are 0 */
function tokensText({ total, overThreshold, missing, extra, failed, unreadable }: Counts): string {
  const others = Object.entries({ over: overThreshold, missing, extra, 'without a result': failed, unreadable })
  const parts = others.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`)
  return [counted(total, 'token'), ...parts].join(', ')
}

function klText({ meanKl, maxKl, top1Agreement }: NonNullable<RunResult['statistics']>): string {
  const { run: _, ...place } = maxKl
  return `mean KL ${short(meanKl)}, highest ${short(maxKl.value)} at ${tokenName(place)}, same top-1 ${short(100 * top1Agreement.value)} %`
}

/** What all runs show together; nothing if there is one. */
export function togetherLines({ tokens, runs = [], run = [] }: ListedComparison): string[] {
  const statistics = runs.length > 1 ? runStatistics(tokens) : undefined
  if (!statistics) return []
  const failing = run.filter(({ verdict, run }) => verdict !== 'pass' && run === undefined)
  return [
    `  all ${runs.length} runs together: ${klText(statistics)}`,
    ...failing.map(({ verdict, reason }) => `  ${verdict}: ${reason}`),
  ]
}
