import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { requireSteps } from '../compare/align.js'
import { failsByWarnings } from '../compare/notes.js'
import { type CompareSettings, checkOptions } from '../compare/options.js'
import { asDump, type DumpOrPath } from '../dumps/as-dump.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, invalidArgument, printable } from '../errors.js'
import { kindOf } from '../io/folder.js'
import { sha256 } from '../lib/optional-packages.js'
import { makeScratchFolder, SCRATCH_FOLDER } from '../lib/scratch-folder.js'
import { countsText, failureText } from '../report/message/failure.js'
import {
  type Candidate,
  claimedText,
  missingText,
  refusedText,
  unmatchedText,
  withdrawnLine,
  writtenLine,
} from '../report/message/snapshot.js'
import { currentRunDir } from '../reporters/recorder.js'
import { printLine } from '../reporters/summary.js'
import {
  countSnapshot,
  onRetry,
  type SnapshotCount,
  SnapshotCounter,
  type SnapshotState,
  testOf,
  updateMode,
} from '../runner/snapshot-state.js'
import { type Claim, SnapshotClaims } from '../snapshots/claims.js'
import { compareWithSnapshot, type ExpectedHeader, isUnusable } from '../snapshots/compare-snapshot.js'
import { decide } from '../snapshots/decide.js'
import { storeDump } from '../snapshots/match-snapshot.js'
import { candidatePath, locateSnapshot } from '../snapshots/names.js'
import { noteUsed, removeSnapshot } from '../snapshots/obsolete.js'
import { checkSnapshotOptions, type SnapshotOptions, type SnapshotSettings } from '../snapshots/options.js'
import type { Placing } from '../snapshots/write-snapshot.js'
import { called, type MeasuredResult } from './call.js'
import { hint, optionsText } from './hint.js'
import { SnapshotRecord } from './match-snapshot.js'
import type { MatcherContext, MatcherResult } from './types.js'

/** The part of a matcher's `this` that snapshots need. */
export interface SnapshotContext extends MatcherContext {
  readonly snapshotState?: SnapshotState | undefined
}

/** State of this worker: the numbers of its snapshots, the tests that use them, and the files that an update replaced. */
const worker = { counter: new SnapshotCounter(), claims: new SnapshotClaims(), backups: new Set<string>() }

/** Removes the replaced files that are kept for retries. To be called when no test of the file will be retried. */
export function removeBackups(): void {
  for (const path of worker.backups) removeSnapshot(path)
  worker.backups.clear()
}

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
  return called(this, toMatchLogitsSnapshot, () => {
    const record = new SnapshotRecord(this)
    try {
      return matchOrWrite.call(this, dump, options, record)
    } catch (error) {
      record.settle(false, error)
      throw error
    }
  })
}

function matchOrWrite(
  this: SnapshotContext,
  dump: DumpOrPath,
  options: SnapshotOptions,
  record: SnapshotRecord,
): MeasuredResult {
  const modifier = this.isNot ? '.not' : this.poll ? 'expect.poll' : undefined
  if (modifier !== undefined) {
    throw invalidArgument(`toMatchLogitsSnapshot cannot be used with ${modifier}, which has no meaning for a snapshot`)
  }
  const settings = checkSnapshotOptions(options)
  const compare = checkOptions(settings.compare)
  const mode = updateMode(this.snapshotState)
  const test = testOf(this, settings.name !== undefined)
  const tested = asDump('dump', dump)
  requireSteps(tested, compare)
  const n = settings.name === undefined ? worker.counter.next(test, test.run) : undefined
  const { existing, target } = locateSnapshot(test.file, settings.name ?? test.name, n, settings.variants)
  const runDir = currentRunDir(this)
  if (runDir) noteUsed(runDir, test.file, existing ?? target)
  const otherClaim = (path: string) => worker.claims.ofAnother(runDir, path, test.claimant)
  const claim = (path: string, wrote: boolean) => {
    worker.claims.add(runDir, path, { claimant: test.claimant, test: test.name, project: test.project, wrote })
  }
  const other = otherClaim(existing ?? target)
  if (n !== undefined && other && other.test !== test.name) throw sameSnapshot(existing ?? target, test.name, other)

  const { provenance } = settings
  const header = { provenance, test: settings.name === undefined ? test.name : undefined, isUpdate: mode === 'all' }
  const isClaimed = (path: string) => otherClaim(path) !== undefined
  const match = record.compare(existing, target, tested, compare, settings, mode, header)
  const action = decide(match.state, mode)
  const write = (path: string, placing: Placing) => {
    const written = storeDump(path, match, test.name, tested, settings, compare, placing)
    if (written.kind === 'written') {
      const undo = () => {
        written.undo()
        printLine(withdrawnLine(path, test.name))
      }
      onRetry(this.snapshotState!, test, undo, test.isRetry)
    }
    return written
  }
  const result = (kind: SnapshotCount, message: () => string): MeasuredResult => {
    countSnapshot(this.snapshotState!, kind, test)
    record.settle(kind !== 'unmatched')
    return { pass: kind !== 'unmatched', message, tokens: tested.steps.length }
  }
  const pass = (kind: 'added' | 'matched' | 'updated') => result(kind, () => '')
  const fail = (text: () => string) => {
    const call = hint(this, 'toMatchLogitsSnapshot', Object.keys(options).length === 0 ? '' : optionsText(options), {})
    return result('unmatched', () => `${call}\n\n${text()}`)
  }
  /** Another test of this run has claimed the snapshot: this test may match it, but not replace it. */
  const matchClaimed = (path: string): MeasuredResult => {
    const problem = problemWith(path, tested, compare, settings, header)
    if (problem !== undefined) return fail(() => claimedText(path, otherClaim(path), test.name, problem))
    claim(path, false)
    return pass('matched')
  }
  /** An error in writing a candidate does not change the result of the test. */
  const candidate = (): Candidate => {
    try {
      makeScratchFolder(process.cwd())
      const written = write(candidatePath(target, process.cwd()), {})
      return written.kind === 'not-allowed' ? { kind: 'failed', reason: written.reason } : written
    } catch (error) {
      return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
    }
  }
  // Neither an update nor a candidate would settle the warnings.
  if (match.comparison && failsByWarnings(match.comparison)) return fail(() => failureText(match.comparison!))
  switch (action) {
    case 'pass':
      // In an update, the other test may have replaced the snapshot since it was compared.
      if (mode === 'all' && otherClaim(existing!)?.wrote) return matchClaimed(existing!)
      claim(existing!, false)
      return pass('matched')
    case 'write':
    case 'rewrite': {
      const isNew = target !== existing
      const written = write(target, {
        isAllowed: () => !isClaimed(target) && !(isNew && kindOf(target) !== undefined),
        onReplace: () => claim(target, true),
        ...(!isNew && test.hasRetries && { backup: backupPath(runDir, target) }),
      })
      if (written.kind === 'not-allowed') return matchClaimed(target)
      if (written.kind === 'refused') return fail(() => refusedText(written, target))
      printLine(writtenLine(written, existing, match))
      return pass(isNew ? 'added' : 'updated')
    }
    case 'fail-missing': {
      const written = candidate()
      return fail(() => missingText(target, written))
    }
    case 'fail':
      if (other?.wrote) return matchClaimed(existing!)
      return fail(() => unmatchedText(match, undefined))
    case 'fail-unmatched': {
      const written = candidate()
      return fail(() => unmatchedText(match, written))
    }
    case 'throw':
      throw match.error
    default:
      return action satisfies never
  }
}

/** Why a dump does not match a snapshot that another test has claimed; undefined if it does. */
function problemWith(
  path: string,
  dump: Dump,
  compare: CompareSettings,
  settings: SnapshotSettings,
  header: ExpectedHeader,
): string | undefined {
  try {
    const { snapshot, comparison } = compareWithSnapshot(path, dump, compare, header)
    const { pass, firstFailure } = comparison
    if (!pass) return firstFailure ? `token ${firstFailure.step}: ${firstFailure.reason}` : countsText(comparison)
    return settings.fidelity === undefined || settings.fidelity === snapshot.fidelity
      ? undefined
      : `its fidelity is '${snapshot.fidelity}', but the option fidelity is '${settings.fidelity}'`
  } catch (error) {
    if (!isUnusable(error)) throw error
    return error.message
  }
}

function sameSnapshot(path: string, test: string, { test: other, wrote }: Claim): GoldenLogitsError {
  const message = `the snapshot was ${wrote ? 'written' : 'matched'} by test '${printable(other)}' in this run, and test '${printable(test)}' gives the same file name: rename one of the tests, or name the snapshots with the option name`
  return new GoldenLogitsError('invalid-argument', message, { file: path })
}

/** Where the files that an update replaces are kept while the test may be retried. */
function backupPath(runDir: string | undefined, target: string): string {
  const hash = sha256(target).toString('hex', 0, 8)
  const folder = runDir ?? join(process.cwd(), SCRATCH_FOLDER)
  const path = join(folder, `replaced-${hash}-${process.pid}-${threadId}.golden`)
  worker.backups.add(path)
  return path
}
