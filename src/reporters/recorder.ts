import { dirname } from 'node:path'
import { wholeFailure } from '../compare/notes.js'
import type { RunVerdict, Thresholds, TokenComparison } from '../compare/types.js'
import { OperationNames } from '../dumps/operation-names.js'
import { printable } from '../errors.js'
import { crypto } from '../lib/optional-packages.js'
import type { OptionalKey } from '../metrics/optional/table.js'
import { annotate, identify, type RunnerContext } from '../runner/test.js'
import { RUN_DIR_VARIABLE, rootOf, runDirOfProcess } from './run-dirs.js'
import { type FinishedLine, type LostLine, SPOOL_VERSION, type SpoolLine, type StartedLine } from './spool.js'
import { appendToSpool, LostRows } from './spool-file.js'
import { printLine } from './summary.js'

/** A test may replace `process.env` by another object. */
const atStart = process.env[RUN_DIR_VARIABLE]

/** State of this worker: the prefix and count that make ids unique, the rows lost, and whether that was printed. */
const worker = { prefix: '', comparisons: 0, lost: new LostRows(), hasComplained: false }

/** What a report needs of a comparison. */
export interface Recordable {
  readonly tokens: Iterable<TokenComparison>
  /** Absent if there are no limits. */
  readonly thresholds?: Thresholds
  /** The optional metrics that were asked for. */
  readonly metrics?: readonly OptionalKey[]
  readonly notes: readonly string[]
  readonly warnings: readonly string[]
  readonly inconclusive?: string
  readonly tooFew?: string
  readonly run?: readonly RunVerdict[]
  readonly strict?: boolean
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
  const recording = new Recording(context, matcher)
  let comparison: Compared
  try {
    comparison = compare()
  } catch (error) {
    recording.fail(error)
    throw error
  }
  recording.finish(comparison, met(comparison) ? 'met' : 'not met')
  return comparison
}

/** The folder for the rows of this run; undefined if it has no reporter. */
export function currentRunDir({ testPath, task }: RunnerContext): string | undefined {
  const { [RUN_DIR_VARIABLE]: now, VITEST_POOL_ID, JEST_WORKER_ID } = process.env
  const runDir = now || atStart
  if (runDir || VITEST_POOL_ID !== undefined || JEST_WORKER_ID !== undefined) return runDir
  // No worker of a runner lacks these variables, unless a setup file has replaced the environment.
  const path = task?.file?.filepath ?? testPath
  return path === undefined ? undefined : runDirOfProcess(dirname(path))
}

/** Writes the rows of one comparison to the spool. It must be ended by `finish` or `fail`. */
export class Recording {
  private readonly context: RunnerContext
  private readonly runDir: string | undefined
  private readonly start = performance.now()
  private readonly id: string
  /** The first line, as long as it is not written. */
  private unwritten: StartedLine[] = []

  constructor(context: RunnerContext, matcher: string) {
    this.context = context
    this.runDir = currentRunDir(context)
    worker.prefix ||= crypto().randomBytes(6).toString('hex')
    this.id = `${worker.prefix}-${++worker.comparisons}`
    if (this.runDir === undefined) return
    const started: StartedLine = {
      kind: 'started',
      v: SPOOL_VERSION,
      id: this.id,
      ...identify(context, this.runDir, rootOf(this.runDir)),
      matcher,
      isNot: context.isNot === true,
      soft: context.soft === true,
      poll: context.poll === true,
      at: Date.now(),
    }
    try {
      appendToSpool(this.runDir, [started])
    } catch {
      // It is written with the result, or counted as lost.
      this.unwritten = [started]
    }
  }

  /** @param error why the expectation is not met although the tokens pass, if that is so */
  finish(comparison: Recordable, expectation: FinishedLine['expectation'], error?: unknown): void {
    const { notes, warnings } = comparison
    const inconclusive = comparison.inconclusive ?? comparison.tooFew
    annotate(this.context, warnings)
    if (this.runDir === undefined) {
      for (const warning of warnings) printLine(`warning: ${printable(warning, 400)}`)
      return
    }
    const whole = wholeFailure(comparison)
    const finished = {
      ...this.finished(expectation, error),
      notes,
      warnings,
      ...(inconclusive !== undefined && { inconclusive }),
      ...(whole !== undefined && { wholeFailure: whole }),
    }
    this.spool(linesOf(this.id, comparison, finished), () => countOf(comparison.tokens))
  }

  /** Records that there is no comparison, and why. */
  fail(error: unknown, expectation: FinishedLine['expectation'] = 'error'): void {
    this.spool([this.finished(expectation, error)], () => 1)
  }

  private finished(expectation: FinishedLine['expectation'], error: unknown): FinishedLine {
    const durationMs = Math.round(performance.now() - this.start)
    const text = error instanceof Error ? error.message : String(error)
    const line = { kind: 'finished', id: this.id, durationMs, expectation } as const
    return error === undefined ? line : { ...line, error: text.slice(0, 1000) }
  }

  /** A test does not fail because its rows cannot be written: the run does. */
  private spool(lines: Iterable<SpoolLine>, count: () => number): void {
    if (this.runDir === undefined) return
    try {
      appendToSpool(this.runDir, chained(this.unwritten, lines))
      this.unwritten = []
    } catch (error) {
      this.lose(this.runDir, count(), String(error))
    }
  }

  /** Records how many rows are lost, in as little space as the disk has. */
  private lose(runDir: string, rows: number, error: string): void {
    const lost: LostLine = { kind: 'lost', id: this.id, rows, error }
    try {
      appendToSpool(runDir, [...this.unwritten, lost])
      this.unwritten = []
    } catch {
      worker.lost.add(runDir, worker.prefix, rows)
    }
    if (worker.hasComplained) return
    worker.hasComplained = true
    printLine(`rows cannot be written and will be missing from the report: ${printable(error, 300)}`)
  }
}

function* linesOf(id: string, comparison: Recordable, finished: FinishedLine): Iterable<SpoolLine> {
  yield { kind: 'compared', id, thresholds: comparison.thresholds, metrics: comparison.metrics }
  const names = new OperationNames()
  let tokens = 0
  for (const token of comparison.tokens) {
    tokens++
    const types = { golden: names.typeOf(token.golden), my: names.typeOf(token.dump) }
    yield { kind: 'token', token, types, id }
  }
  yield { ...finished, tokens }
}

function* chained(...parts: Iterable<SpoolLine>[]): Iterable<SpoolLine> {
  for (const lines of parts) yield* lines
}

function countOf(items: Iterable<unknown>): number {
  let count = 0
  for (const _ of items) count++
  return count
}
