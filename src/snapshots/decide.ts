import type { UpdateMode } from '../runner/snapshot-state.js'

export type { UpdateMode }

/** How the snapshot of a test compares with its dump. */
export type SnapshotResult =
  /** There is no snapshot. */
  | 'missing'
  /** The snapshot cannot be used: it is broken, of a later format, or of another model. */
  | 'unusable'
  /** The dump is within the thresholds. */
  | 'matched'
  /** The dump is within the thresholds, but a snapshot written now would have another header, or (`updatePassing`) other logits. */
  | 'outdated'
  /** The dump is not within the thresholds. */
  | 'unmatched'
  /** The dump is within the thresholds, but the snapshot has another fidelity than the option asks for. */
  | 'other-fidelity'

/**
 * - `pass`, `fail`: leave the snapshot as it is
 * - `write`: write the snapshot, and pass
 * - `rewrite`: replace the snapshot by the dump, and pass
 * - `fail-missing`: fail, and write a candidate outside the snapshot folder
 * - `fail-unmatched`: the same, for a snapshot that the dump does not match
 * - `throw`: report what is wrong with the snapshot
 */
export type Action = 'pass' | 'fail' | 'write' | 'rewrite' | 'fail-missing' | 'fail-unmatched' | 'throw'

/** The policy: modes `new` and `all` write missing snapshots, only `all` replaces one, and `none` (CI) writes nothing. */
export function decide(state: SnapshotResult, mode: UpdateMode): Action {
  switch (state) {
    case 'matched':
      return 'pass'
    case 'missing':
      return mode === 'none' ? 'fail-missing' : 'write'
    case 'outdated':
      return mode === 'all' ? 'rewrite' : 'pass'
    case 'unmatched':
      return mode === 'all' ? 'rewrite' : mode === 'none' ? 'fail-unmatched' : 'fail'
    case 'unusable':
    case 'other-fidelity':
      return mode === 'all' ? 'rewrite' : 'throw'
    default:
      return state satisfies never
  }
}
