import type { Thresholds, TokenComparison } from '../compare/types.js'
import { printable } from '../errors.js'
import { crypto } from '../lib/optional-packages.js'
import { identify, type RunnerContext } from '../runner/test.js'
import { rootOf } from './run-dirs.js'
import { appendToSpool, type FinishedLine, RUN_DIR_VARIABLE, SPOOL_VERSION, type SpoolLine } from './spool.js'
import { printLine } from './summary.js'

/** State of this worker: the prefix and count that make ids unique, and whether a write error was reported. */
const worker = { prefix: '', comparisons: 0, hasComplained: false }

/** What a report needs of a comparison. */
export interface Recordable {
  readonly tokens: Iterable<TokenComparison>
  /** Absent if there are no limits. */
  readonly thresholds?: Thresholds
  readonly notes: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Runs a comparison and spools its rows for the reporter. Without a reporter, it prints the warnings to stderr, because the
 * message of a matcher that passes is not shown.
 * @param met returns whether the test's expectation holds, `.not` considered
 */
export function recorded<Compared extends Recordable>(
  context: RunnerContext,
  matcher: string,
  compare: () => Compared,
  met: (comparison: Compared) => boolean,
): Compared {
  const runDir = process.env[RUN_DIR_VARIABLE]
  if (!runDir) {
    const comparison = compare()
    for (const warning of comparison.warnings) printLine(`warning: ${printable(warning, 400)}`)
    return comparison
  }
  worker.prefix ||= crypto().randomBytes(6).toString('hex')
  const id = `${worker.prefix}-${++worker.comparisons}`
  const started = performance.now()
  spool(runDir, [
    {
      kind: 'started',
      v: SPOOL_VERSION,
      id,
      ...identify(context, runDir, rootOf(runDir)),
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
  const { notes, warnings } = comparison
  const expectation = met(comparison) ? 'met' : 'not met'
  spool(runDir, linesOf(id, comparison, finished({ expectation, notes, warnings })))
  return comparison
}

function* linesOf(id: string, comparison: Recordable, finished: FinishedLine): Iterable<SpoolLine> {
  yield { kind: 'compared', id, thresholds: comparison.thresholds }
  for (const token of comparison.tokens) yield { kind: 'token', token, id }
  yield finished
}

/** A test does not fail because its report cannot be written, but a line on stderr says that rows are missing. */
function spool(runDir: string, lines: Iterable<SpoolLine>): void {
  try {
    appendToSpool(runDir, lines)
  } catch (error) {
    if (worker.hasComplained) return
    worker.hasComplained = true
    printLine(`rows cannot be written and will be missing from the report: ${printable(String(error), 300)}`)
  }
}
