import type { CompareSettings } from '../compare/options.js'
import type { Comparison } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { recorded } from '../reporters/recorder.js'
import type { GoldenState } from '../snapshots/decide.js'
import { isUnusable, matchGolden } from '../snapshots/match.js'
import type { GoldenSettings } from '../snapshots/options.js'
import type { UpdateMode } from '../snapshots/runner.js'
import type { Golden } from '../snapshots/types.js'
import type { SnapshotContext } from './snapshot-test.js'

/** How the golden of a test stands to its dump, and why. */
export interface Found {
  readonly state: GoldenState
  readonly golden?: Golden
  readonly comparison?: Comparison
  /** Where the golden cannot be used as it is. */
  readonly error?: GoldenLogitsError
}

/** Compares the dump with the golden that there is, and leaves the rows for the reporter. */
export function findGolden(
  context: SnapshotContext,
  existing: string | undefined,
  target: string,
  dump: Dump,
  compare: CompareSettings,
  settings: GoldenSettings,
  mode: UpdateMode,
): Found {
  // A golden that is about to be made has nothing to be compared with.
  if (existing === undefined && mode !== 'none') return { state: 'missing' }
  let golden: Golden | undefined
  try {
    const met = (result: Comparison) => result.pass || mode === 'all'
    const matched = () => {
      if (existing === undefined) throw new GoldenLogitsError('file-not-found', 'there is no golden', { file: target })
      const match = matchGolden(existing, dump, compare, settings)
      golden = match.golden
      return match.comparison
    }
    const comparison = recorded(context, 'toMatchLogitsSnapshot', matched, met)
    if (!comparison.pass) return { state: 'unmatched', golden: golden!, comparison }
    if (settings.fidelity !== undefined && settings.fidelity !== golden!.fidelity) {
      return { state: 'other-fidelity', golden: golden!, error: otherFidelity(golden!, settings.fidelity) }
    }
    return { state: 'matched', golden: golden!, comparison }
  } catch (error) {
    if (existing === undefined) return { state: 'missing' }
    if (!isUnusable(error)) throw error
    return { state: 'unusable', error }
  }
}

function otherFidelity({ path, fidelity }: Golden, wanted: string): GoldenLogitsError {
  const message = `a golden of ${fidelity} fidelity, where the option fidelity says '${wanted}'; update the golden (-u) to keep the dump so`
  return new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}
