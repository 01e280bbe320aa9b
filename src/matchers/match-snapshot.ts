import { failsByWarnings } from '../compare/notes.js'
import type { CompareSettings } from '../compare/options.js'
import type { Comparison } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { recorded } from '../reporters/recorder.js'
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
}

/** Compares the dump with the existing snapshot, and spools the rows for the reporter. */
export function matchSnapshot(
  context: MatcherContext,
  existing: string | undefined,
  target: string,
  dump: Dump,
  compare: CompareSettings,
  settings: SnapshotSettings,
  mode: UpdateMode,
  header: ExpectedHeader,
  isClaimed: (path: string) => boolean,
): SnapshotMatch {
  // The snapshot is about to be written: there is nothing to compare with.
  if (existing === undefined && mode !== 'none') return { state: 'missing' }
  let snapshot: Snapshot | undefined
  let changes: readonly string[] = []
  try {
    // An update replaces the snapshot, which settles no warning, unless another test of the run uses it.
    const isReplaced = (result: Comparison) => mode === 'all' && !failsByWarnings(result) && !isClaimed(existing!)
    const met = (result: Comparison) => result.pass || isReplaced(result)
    const matched = () => {
      if (existing === undefined)
        throw new GoldenLogitsError('file-not-found', 'there is no snapshot', { file: target })
      const match = compareWithSnapshot(existing, dump, compare, header)
      snapshot = match.snapshot
      changes = match.changes
      return match.comparison
    }
    const comparison = recorded(context, 'toMatchLogitsSnapshot', matched, met)
    if (!comparison.pass) return { state: 'unmatched', snapshot: snapshot!, comparison }
    if (settings.fidelity !== undefined && settings.fidelity !== snapshot!.fidelity) {
      return { state: 'other-fidelity', snapshot: snapshot!, error: otherFidelity(snapshot!, settings.fidelity) }
    }
    if (settings.updatePassing && !isExact(comparison)) changes = [...changes, 'updatePassing: the logits differ']
    return { state: changes.length > 0 ? 'outdated' : 'matched', snapshot: snapshot!, comparison, changes }
  } catch (error) {
    if (existing === undefined) return { state: 'missing' }
    if (!isUnusable(error)) throw error
    return { state: 'unusable', error }
  }
}

/** Every token of either side was compared, and its logits and dtype are those of the snapshot. */
function isExact({ tokens }: Comparison): boolean {
  return tokens.every(({ metrics, golden, dump }) => metrics?.maxAbsoluteError === 0 && golden?.dtype === dump?.dtype)
}

function otherFidelity({ path, fidelity }: Snapshot, wanted: string): GoldenLogitsError {
  const message = `the snapshot has fidelity '${fidelity}', but the option fidelity is '${wanted}'; update the snapshot (-u) to change it`
  return new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}
