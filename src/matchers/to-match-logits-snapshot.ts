import { writeSync } from 'node:fs'
import { requireSteps } from '../compare/align.js'
import { failsByWarnings } from '../compare/notes.js'
import { type CompareSettings, checkOptions } from '../compare/options.js'
import { asDump } from '../dumps/as-dump.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { failureText } from '../report/message/failure.js'
import { RUN_DIR_VARIABLE } from '../reporters/spool.js'
import {
  type CountedTest,
  countSnapshot,
  SnapshotCounter,
  type SnapshotOwner,
  type SnapshotState,
  updateMode,
} from '../runner/snapshot-state.js'
import { testFacts } from '../runner/test.js'
import { decide } from '../snapshots/decide.js'
import { candidatePath, locateSnapshot } from '../snapshots/names.js'
import { noteUsed } from '../snapshots/obsolete.js'
import { checkSnapshotOptions, type SnapshotOptions, type SnapshotSettings } from '../snapshots/options.js'
import { type Written, writeSnapshot } from '../snapshots/write-snapshot.js'
import { called, type MeasuredResult } from './call.js'
import { hint, optionsText } from './hint.js'
import { matchSnapshot, type SnapshotMatch } from './match-snapshot.js'
import { type Candidate, missingText, refusedText, rewrittenLine, unmatchedText } from './snapshot-message.js'
import type { DumpOrPath } from './to-match-golden-logits.js'
import type { MatcherContext, MatcherResult } from './types.js'

/** The part of a matcher's `this` that snapshots need. */
export interface SnapshotContext extends MatcherContext {
  readonly snapshotState?: SnapshotState | undefined
}

/** The test that called a matcher, and its attempt. */
interface CurrentTest extends CountedTest, SnapshotOwner {
  /** The runner's object of this run of the test file. */
  readonly run: object | undefined
}

/** State of this worker: the numbers of its snapshots, and the snapshots that its tests have written. */
const worker = { counter: new SnapshotCounter(), written: new Map<string, 'added' | 'updated'>() }

/**
 * Compares a dump with a snapshot in the repository, by the runner's own rules: the first run writes the snapshot, later runs
 * compare with it, `-u` replaces it if the dump does not match, CI writes nothing. Synchronous.
 * @throws GoldenLogitsError for misuse, and for a snapshot that cannot be used (broken, of a later format, of another model)
 */
export function toMatchLogitsSnapshot(
  this: SnapshotContext,
  dump: DumpOrPath,
  options: SnapshotOptions = {},
): MatcherResult {
  return called(this, toMatchLogitsSnapshot, () => matchOrWrite.call(this, dump, options))
}

function matchOrWrite(this: SnapshotContext, dump: DumpOrPath, options: SnapshotOptions): MeasuredResult {
  refuseMisuse(this)
  const settings = checkSnapshotOptions(options)
  const compare = checkOptions(settings.compare)
  const mode = updateMode(this.snapshotState)
  const test = testOf(this, settings.name !== undefined)
  const tested = dumpOf(dump, compare)
  const n = settings.name === undefined ? ordinalOf(test) : undefined
  const { existing, target } = locateSnapshot(test.file, settings.name ?? test.name, n, settings.variants)
  const runDir = process.env[RUN_DIR_VARIABLE]
  if (runDir) noteUsed(runDir, test.file, existing ?? target)

  const match = matchSnapshot(this, existing, target, tested, compare, settings, mode)
  const action = decide(match.state, mode)
  const write = (path: string) => writeDump(path, match, test.name, tested, settings, compare)
  const pass = (kind: 'added' | 'matched' | 'updated'): MeasuredResult => {
    if (kind !== 'matched') worker.written.set(target, kind)
    countSnapshot(this.snapshotState!, kind, test)
    return { pass: true, message: () => '', tokens: tested.steps.length }
  }
  const fail = (text: () => string): MeasuredResult => {
    countSnapshot(this.snapshotState!, 'unmatched', test)
    const call = hint(this, 'toMatchLogitsSnapshot', Object.keys(options).length === 0 ? '' : optionsText(options), {})
    return { pass: false, message: () => `${call}\n\n${text()}`, tokens: tested.steps.length }
  }
  // Neither an update nor a candidate would settle the warnings.
  if (match.comparison && failsByWarnings(match.comparison)) return fail(() => failureText(match.comparison!))
  switch (action) {
    case 'pass':
      // The runner has taken back the count of the previous attempt, but this run did write the snapshot.
      return pass((test.attempt > 1 && worker.written.get(existing!)) || 'matched')
    case 'write':
    case 'rewrite': {
      const written = write(target)
      if (written.kind === 'refused') return fail(() => refusedText(written, target))
      if (action === 'rewrite') writeSync(2, rewrittenLine(target, existing!, match))
      return pass(target === existing ? 'updated' : 'added')
    }
    case 'fail-missing': {
      const candidate = attempted(() => write(candidatePath(target, process.cwd())))
      return fail(() => missingText(target, candidate))
    }
    case 'fail':
      return fail(() => unmatchedText(match, undefined))
    case 'fail-unmatched': {
      const candidate = attempted(() => write(candidatePath(target, process.cwd())))
      return fail(() => unmatchedText(match, candidate))
    }
    case 'throw':
      throw match.error
    default:
      return action satisfies never
  }
}

function ordinalOf(test: CurrentTest): number {
  const n = worker.counter.next(test, test.run)
  if (n !== 'taken') return n
  const message = `two tests of this file have the name '${printable(test.name)}', and snapshots are named after their tests: give each test its own name, or name the snapshots with the option name`
  throw new GoldenLogitsError('invalid-argument', message)
}

/** An error in writing a candidate does not change the result of the test. */
function attempted(write: () => Written): Candidate {
  try {
    return write()
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}

function writeDump(
  path: string,
  { snapshot }: SnapshotMatch,
  test: string,
  dump: Dump,
  { fidelity, k, provenance }: SnapshotSettings,
  compare: CompareSettings,
): Written {
  const chosen = fidelity ?? snapshot?.fidelity ?? 'full'
  return writeSnapshot(path, dump, { fidelity: chosen, k, test, provenance, compare })
}

/**
 * @param isNamed the caller named the snapshot, so it does not depend on the test
 * @throws GoldenLogitsError `invalid-argument` outside of a test, and if the runner cannot say which test it is
 */
function testOf(context: SnapshotContext, isNamed: boolean): CurrentTest {
  const { task, identity, path, test, isSure, attempt } = testFacts(context, 'snapshots')
  if (path === '') {
    const message = 'toMatchLogitsSnapshot works only inside a test: the snapshot is named after the test'
    throw new GoldenLogitsError('invalid-argument', message)
  }
  if (!isSure && !isNamed) throw unsureTest()
  return { file: path, name: test, id: task?.id ?? test, owner: task ?? identity, attempt, run: task?.file }
}

function unsureTest(): GoldenLogitsError {
  const message = `toMatchLogitsSnapshot does not know which test called it: load golden-logits/vitest at the top of the test file or in a setup file, or take expect from the test's context, test('…', ({ expect }) => …), or name the snapshot with the option name`
  return new GoldenLogitsError('invalid-argument', message)
}

/** @throws GoldenLogitsError `invalid-argument` for a modifier that has no meaning for a snapshot */
function refuseMisuse({ isNot, poll }: SnapshotContext): void {
  const modifier = isNot ? '.not' : poll ? 'expect.poll' : undefined
  if (modifier === undefined) return
  const message = `toMatchLogitsSnapshot cannot be used with ${modifier}, which has no meaning for a snapshot`
  throw new GoldenLogitsError('invalid-argument', message)
}

/** @throws GoldenLogitsError `invalid-argument`, `nothing-to-compare`, and what `loadDump` throws */
function dumpOf(value: DumpOrPath, settings: CompareSettings): Dump {
  const dump = asDump('dump', value)
  requireSteps(dump, settings)
  return dump
}
