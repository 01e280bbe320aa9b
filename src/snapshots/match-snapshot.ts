import type { CompareSettings } from '../compare/options.js'
import type { Comparison } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { compareWithSnapshot, type ExpectedHeader, isUnusable } from './compare-snapshot.js'
import type { SnapshotResult } from './decide.js'
import type { SnapshotSettings } from './options.js'
import type { Snapshot } from './types.js'
import { type Placing, type Written, writeSnapshot } from './write-snapshot.js'

/** How a snapshot compares with a dump, and why. */
export interface SnapshotMatch {
  readonly state: SnapshotResult
  readonly snapshot?: Snapshot
  readonly comparison?: Comparison
  /** What an update changes in a snapshot that the dump matches. */
  readonly changes?: readonly string[]
  /** Why the snapshot cannot be used as it is. */
  readonly error?: GoldenLogitsError
}

/**
 * Compares the dump with an existing snapshot.
 * @throws GoldenLogitsError for an error that is no fault of the snapshot
 */
export function matchSnapshot(
  existing: string,
  dump: Dump,
  compare: CompareSettings,
  settings: SnapshotSettings,
  header: ExpectedHeader,
): SnapshotMatch {
  let compared: ReturnType<typeof compareWithSnapshot>
  try {
    compared = compareWithSnapshot(existing, dump, compare, header)
  } catch (error) {
    if (isUnusable(error)) return { state: 'unusable', error }
    throw error
  }
  const { snapshot, comparison, changes: headerChanges } = compared
  if (!comparison.pass) return { state: 'unmatched', snapshot, comparison }
  if (settings.fidelity !== undefined && settings.fidelity !== snapshot.fidelity) {
    return { state: 'other-fidelity', snapshot, comparison, error: otherFidelity(snapshot, settings.fidelity) }
  }
  const isOther = settings.updatePassing && !isExact(comparison)
  const changes = isOther ? [...headerChanges, 'updatePassing: the logits differ'] : headerChanges
  return { state: changes.length > 0 ? 'outdated' : 'matched', snapshot, comparison, changes }
}

/**
 * Writes the dump as a snapshot of the fidelity that the caller chose, else of that of the snapshot that it replaces.
 * @param test the test that the snapshot belongs to
 * @throws GoldenLogitsError `write-failed`
 */
export function storeDump(
  path: string,
  { snapshot }: Pick<SnapshotMatch, 'snapshot'>,
  test: string,
  dump: Dump,
  { fidelity, k, provenance }: SnapshotSettings,
  compare: CompareSettings,
  placing: Placing,
): Written {
  const chosen = fidelity ?? snapshot?.fidelity ?? 'full'
  return writeSnapshot(path, dump, { fidelity: chosen, k, test, provenance, compare }, placing)
}

/** Every token of either side was compared, and its logits and dtype equal the snapshot's. */
function isExact({ tokens }: Comparison): boolean {
  return tokens.every(({ metrics, golden, dump }) => metrics?.maxAbsoluteError === 0 && golden?.dtype === dump?.dtype)
}

function otherFidelity({ path, fidelity }: Snapshot, wanted: string): GoldenLogitsError {
  const message = `the snapshot has fidelity '${fidelity}', but the option fidelity is '${wanted}'; update the snapshot (-u) to change it`
  return new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}
