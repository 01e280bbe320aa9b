import { writeSync } from 'node:fs'
import type { ListedComparison } from '../compare/types.js'
import { printable } from '../errors.js'
import { crypto } from '../lib/optional-packages.js'
import { tokenCells } from '../report/token-columns.js'
import { identify, type RunnerContext } from './runner-context.js'
import { appendToSpool, type FinishedLine, RUN_DIR_VARIABLE, SPOOL_VERSION, type SpoolLine } from './spool.js'

let origin: string | undefined
let comparisons = 0

/**
 * Runs a comparison and leaves its rows for the reporter, where one is at work. Otherwise just runs it.
 * @param met whether the test's expectation holds, `.not` considered
 */
export function recorded<Compared extends ListedComparison>(
  context: RunnerContext,
  matcher: string,
  compare: () => Compared,
  met: (comparison: Compared) => boolean,
): Compared {
  const runDir = process.env[RUN_DIR_VARIABLE]
  if (!runDir) return compare()
  origin ??= crypto().randomBytes(6).toString('hex')
  const id = `${origin}-${++comparisons}`
  const started = performance.now()
  spool(runDir, [
    {
      kind: 'started',
      v: SPOOL_VERSION,
      id,
      ...identify(context, runDir),
      matcher,
      isNot: context.isNot === true,
      soft: context.soft === true,
      poll: context.poll === true,
      at: Date.now(),
    },
  ])
  const finished = (rest: Omit<FinishedLine, 'kind' | 'id' | 'durationMs'>): FinishedLine => {
    return { kind: 'finished', id, durationMs: Math.round(performance.now() - started), ...rest }
  }
  let comparison: Compared
  try {
    comparison = compare()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    spool(runDir, [finished({ expectation: 'error', error: message.slice(0, 1000) })])
    throw error
  }
  spool(runDir, linesOf(id, comparison, finished({ expectation: met(comparison) ? 'met' : 'not met' })))
  return comparison
}

function* linesOf(id: string, comparison: ListedComparison, finished: FinishedLine): Iterable<SpoolLine> {
  let index = 0
  for (const token of comparison.tokens) yield { kind: 'token', id, cells: tokenCells(token, comparison, index++) }
  yield finished
}

let complained = false

/** A test does not fail for its report's sake; but rows never vanish without a word. */
function spool(runDir: string, lines: Iterable<SpoolLine>): void {
  try {
    appendToSpool(runDir, lines)
  } catch (error) {
    if (complained) return
    complained = true
    writeSync(
      2,
      `golden-logits: rows cannot be written and will be missing from the report: ${printable(String(error), 300)}\n`,
    )
  }
}
