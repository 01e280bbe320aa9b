import type { CompareSettings } from '../compare/options.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { Recording } from '../reporters/recorder.js'
import type { UpdateMode } from '../runner/snapshot-state.js'
import type { ExpectedHeader } from '../snapshots/compare-snapshot.js'
import { matchSnapshot, type SnapshotMatch } from '../snapshots/match-snapshot.js'
import type { SnapshotSettings } from '../snapshots/options.js'
import type { MatcherContext } from './types.js'

/** The rows that one call of the matcher gives the report: none only if it passes because it writes a new snapshot. */
export class SnapshotRecord {
  private readonly context: MatcherContext
  private recording: Recording | undefined
  private match: SnapshotMatch | undefined

  constructor(context: MatcherContext) {
    this.context = context
  }

  /** Compares the dump with the existing snapshot. */
  compare(
    existing: string | undefined,
    target: string,
    dump: Dump,
    compare: CompareSettings,
    settings: SnapshotSettings,
    mode: UpdateMode,
    header: ExpectedHeader,
  ): SnapshotMatch {
    if (existing === undefined) {
      const error = new GoldenLogitsError('file-not-found', 'there is no snapshot', { file: target })
      // A snapshot that is about to be written has nothing to be compared with.
      this.match = { state: 'missing', ...(mode === 'none' && { error }) }
    } else {
      this.recording = new Recording(this.context, MATCHER)
      this.match = matchSnapshot(existing, dump, compare, settings, header)
    }
    return this.match
  }

  /** Writes the rows, once it is known whether the matcher passes, or which error it throws. */
  settle(isMet: boolean, error?: unknown): void {
    const { comparison, error: unusable } = this.match ?? {}
    if (isMet && !this.recording) return
    const recording = this.recording ?? new Recording(this.context, MATCHER)
    if (comparison && error === undefined) recording.finish(comparison, isMet ? 'met' : 'not met')
    else if (comparison) recording.finish(comparison, 'error', error)
    else recording.fail(error ?? unusable ?? 'no snapshot was written', isMet ? 'met' : 'error')
  }
}

const MATCHER = 'toMatchLogitsSnapshot'
