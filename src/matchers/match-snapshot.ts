import type { CompareSettings } from '../compare/options.js'
import type { Comparison } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { Recording } from '../reporters/recorder.js'
import type { UpdateMode } from '../runner/snapshot-state.js'
import { compareWithSnapshot, type ExpectedHeader, isUnusable } from '../snapshots/compare-snapshot.js'
import type { SnapshotResult } from '../snapshots/decide.js'
import type { SnapshotSettings } from '../snapshots/options.js'
import type { Snapshot } from '../snapshots/types.js'
import type { MatcherContext } from './types.js'

/** How the snapshot of a test compares with its dump, and why. */
export interface SnapshotMatch {
  readonly state: SnapshotResult
  readonly snapshot?: Snapshot
  readonly comparison?: Comparison
  /** What an update changes in a snapshot that the dump matches. */
  readonly changes?: readonly string[]
  /** Why the snapshot cannot be used as it is. */
  readonly error?: GoldenLogitsError
  /** Writes the rows for the reporter, once it is known whether the matcher passes, or which error it throws. */
  readonly settle: (isMet: boolean, error?: unknown) => void
}

/** Compares the dump with the existing snapshot. `settle` of the result must be called. */
export function matchSnapshot(
  context: MatcherContext,
  existing: string | undefined,
  target: string,
  dump: Dump,
  compare: CompareSettings,
  settings: SnapshotSettings,
  mode: UpdateMode,
  header: ExpectedHeader,
): SnapshotMatch {
  // The snapshot is about to be written: there is nothing to compare with, and a row only if that fails.
  if (existing === undefined && mode !== 'none') {
    const refused = (error: unknown) => new Recording(context, MATCHER).fail(error ?? 'no snapshot was written')
    return { state: 'missing', settle: (isMet, error) => (isMet ? undefined : refused(error)) }
  }
  const recording = new Recording(context, MATCHER)
  try {
    if (existing === undefined) throw new GoldenLogitsError('file-not-found', 'there is no snapshot', { file: target })
    const { snapshot, comparison, changes: headerChanges } = compareWithSnapshot(existing, dump, compare, header)
    const settle: SnapshotMatch['settle'] = (isMet, error) => {
      if (error === undefined) recording.finish(comparison, isMet ? 'met' : 'not met')
      else recording.finish(comparison, 'error', error)
    }
    if (!comparison.pass) return { state: 'unmatched', snapshot, comparison, settle }
    if (settings.fidelity !== undefined && settings.fidelity !== snapshot.fidelity) {
      return { state: 'other-fidelity', snapshot, error: otherFidelity(snapshot, settings.fidelity), settle }
    }
    const isOther = settings.updatePassing && !isExact(comparison)
    const changes = isOther ? [...headerChanges, 'updatePassing: the logits differ'] : headerChanges
    return { state: changes.length > 0 ? 'outdated' : 'matched', snapshot, comparison, changes, settle }
  } catch (error) {
    const settle: SnapshotMatch['settle'] = (isMet) => recording.fail(error, isMet ? 'met' : 'error')
    if (existing === undefined) return { state: 'missing', settle }
    if (isUnusable(error)) return { state: 'unusable', error, settle }
    recording.fail(error)
    throw error
  }
}

/** Every token of either side was compared, and its logits and dtype are those of the snapshot. */
function isExact({ tokens }: Comparison): boolean {
  return tokens.every(({ metrics, golden, dump }) => metrics?.maxAbsoluteError === 0 && golden?.dtype === dump?.dtype)
}

const MATCHER = 'toMatchLogitsSnapshot'

function otherFidelity({ path, fidelity }: Snapshot, wanted: string): GoldenLogitsError {
  const message = `the snapshot has fidelity '${fidelity}', but the option fidelity is '${wanted}'; update the snapshot (-u) to change it`
  return new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}
