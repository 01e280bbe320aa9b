import type { CompareSettings } from '../compare/options.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { Recording } from '../reporters/recorder.js'
import type { UpdateMode } from '../runner/snapshot-state.js'
import type { ExpectedHeader } from '../snapshots/compare-snapshot.js'
import { matchSnapshot, type SnapshotMatch } from '../snapshots/match-snapshot.js'
import type { SnapshotSettings } from '../snapshots/options.js'
import type { MatcherContext } from './types.js'

/** How the snapshot of a test compares with its dump, and the rows for the reporter. */
export interface RecordedMatch extends SnapshotMatch {
  /** Writes the rows for the reporter, once it is known whether the matcher passes, or which error it throws. */
  readonly settle: (isMet: boolean, error?: unknown) => void
}

/** Compares the dump with the existing snapshot. `settle` of the result must be called. */
export function recordedMatch(
  context: MatcherContext,
  existing: string | undefined,
  target: string,
  dump: Dump,
  compare: CompareSettings,
  settings: SnapshotSettings,
  mode: UpdateMode,
  header: ExpectedHeader,
): RecordedMatch {
  // The snapshot is about to be written: there is nothing to compare with, and a row only if that fails.
  if (existing === undefined && mode !== 'none') {
    const refused = (error: unknown) => new Recording(context, MATCHER).fail(error ?? 'no snapshot was written')
    return { state: 'missing', settle: (isMet, error) => (isMet ? undefined : refused(error)) }
  }
  const recording = new Recording(context, MATCHER)
  const failing =
    (error: unknown): RecordedMatch['settle'] =>
    (isMet) =>
      recording.fail(error, isMet ? 'met' : 'error')
  if (existing === undefined) {
    const error = new GoldenLogitsError('file-not-found', 'there is no snapshot', { file: target })
    return { state: 'missing', settle: failing(error) }
  }
  let match: SnapshotMatch
  try {
    match = matchSnapshot(existing, dump, compare, settings, header)
  } catch (error) {
    recording.fail(error)
    throw error
  }
  const { comparison } = match
  if (!comparison) return { ...match, settle: failing(match.error) }
  const settle: RecordedMatch['settle'] = (isMet, error) => {
    if (error === undefined) recording.finish(comparison, isMet ? 'met' : 'not met')
    else recording.finish(comparison, 'error', error)
  }
  return { ...match, settle }
}

const MATCHER = 'toMatchLogitsSnapshot'
