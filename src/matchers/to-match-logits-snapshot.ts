import { writeSync } from 'node:fs'
import { failsByWarnings } from '../compare/notes.js'
import { type CompareSettings, checkOptions } from '../compare/options.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { failureText } from '../report/message/failure.js'
import { RUN_DIR_VARIABLE } from '../reporters/spool.js'
import { countSnapshot, SnapshotCounter, updateMode } from '../runner/snapshot-state.js'
import { decide } from '../snapshots/decide.js'
import { candidatePath, locateSnapshot } from '../snapshots/names.js'
import { noteUsed } from '../snapshots/obsolete.js'
import { checkSnapshotOptions, type SnapshotOptions, type SnapshotSettings } from '../snapshots/options.js'
import { type Written, writeSnapshot } from '../snapshots/write-snapshot.js'
import { hint, optionsText } from './hint.js'
import { matchSnapshot, type SnapshotMatch } from './snapshot-found.js'
import { type Candidate, missingText, refusedText, rewrittenLine, unmatchedText } from './snapshot-message.js'
import { type CurrentTest, dumpOf, refuseMisuse, type SnapshotContext, testOf } from './snapshot-test.js'
import type { DumpOrPath } from './to-match-golden-logits.js'
import type { MatcherResult } from './types.js'

/** What this worker knows of its snapshots: their numbers, and those that its tests have written. */
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
  const pass = (kind: 'added' | 'matched' | 'updated'): MatcherResult => {
    if (kind !== 'matched') worker.written.set(target, kind)
    countSnapshot(this.snapshotState!, kind, test)
    return { pass: true, message: () => '' }
  }
  const fail = (text: () => string): MatcherResult => {
    countSnapshot(this.snapshotState!, 'unmatched', test)
    const call = hint(this, 'toMatchLogitsSnapshot', Object.keys(options).length === 0 ? '' : optionsText(options), {})
    return { pass: false, message: () => `${call}\n\n${text()}` }
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
  { golden }: SnapshotMatch,
  test: string,
  dump: Dump,
  { fidelity, k, provenance }: SnapshotSettings,
  compare: CompareSettings,
): Written {
  const kept = fidelity ?? golden?.fidelity ?? 'full'
  return writeSnapshot(path, dump, { fidelity: kept, k, test, provenance, compare })
}
